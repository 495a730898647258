"""Finds GELU in the arithmetic that exporters write for it."""

from __future__ import annotations

import math
from typing import Any

import onnx_ir as ir
from onnxscript.rewriter.pattern import RewriteRule, RewriteRuleSet

from edgeq.passes.editing import is_number, named_alike

TOLERANCE = 1e-4
"""Of constants: exporters cut the digits of the root."""


class FuseGelu(ir.passes.InPlacePass):
    """x * (1 + Erf(x / sqrt(2))) / 2, in the orders in which exporters write it, becomes Gelu.

    One table then takes the place of one table and three operators with roundings of their own. Other constants are
    declined. The function is unchanged up to float rounding; idempotent.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415, 2016, section 2.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        candidate = any(node.op_type == "Erf" for node in model.graph)  # matching takes time where there is nothing
        return ir.passes.PassResult(model, candidate and bool(_RULES.apply_to_model(model)))


def _divided(op: Any, x: Any, root: Any) -> Any:
    return op.Erf(op.Div(x, root))


def _multiplied(op: Any, x: Any, root: Any) -> Any:
    return op.Erf(op.Mul(x, root))


def _half_last(erf: Any) -> Any:
    def pattern(op: Any, x: Any, root: Any, one: Any, half: Any) -> Any:
        return op.Mul(op.Mul(x, op.Add(erf(op, x, root), one)), half, _outputs=["y"])

    return pattern


def _half_first(erf: Any) -> Any:
    def pattern(op: Any, x: Any, root: Any, one: Any, half: Any) -> Any:
        return op.Mul(op.Mul(x, half), op.Add(erf(op, x, root), one), _outputs=["y"])

    return pattern


def _half_inside(erf: Any) -> Any:
    def pattern(op: Any, x: Any, root: Any, one: Any, half: Any) -> Any:
        return op.Mul(x, op.Mul(op.Add(erf(op, x, root), one), half), _outputs=["y"])

    return pattern


def _fits(number: float) -> Any:
    def check(_: Any, root: ir.Value, one: ir.Value, half: ir.Value, **__: Any) -> bool:
        return all(is_number(value, wanted, TOLERANCE) for value, wanted in ((root, number), (one, 1), (half, 0.5)))

    return check


def _gelu(op: Any, x: ir.Value, y: ir.Value, **_: Any) -> ir.Value:
    return named_alike(op.Gelu(x), y)


_RULES = RewriteRuleSet(
    [
        RewriteRule(place(erf), _gelu, _fits(number))
        for place in (_half_last, _half_first, _half_inside)
        for erf, number in ((_divided, math.sqrt(2)), (_multiplied, math.sqrt(0.5)))
    ],
    commute=True,
)
