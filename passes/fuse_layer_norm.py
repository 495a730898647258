"""Finds layer normalization in the arithmetic that exporters write for it."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from onnxscript.rewriter.pattern import RewriteRule, RewriteRuleSet

from edgeq.passes.editing import integers, named_alike, parameter, scalar, static_shape


class FuseLayerNorm(ir.passes.InPlacePass):
    """(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * gamma + beta becomes LayerNormalization.

    Over the last axis, with constant gamma and beta; other forms are declined. One operator then normalizes whole rows
    in integers, where means, squares and roots of their own could not be quantized with any precision.

    The function is unchanged up to float rounding; idempotent.

    Source: Ba et al., "Layer Normalization", arXiv:1607.06450, 2016, equation 4.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        candidate = any(node.op_type == "Sqrt" for node in model.graph)  # matching takes time where there is nothing
        return ir.passes.PassResult(model, candidate and bool(_RULES.apply_to_model(model)))


def _power(op: Any, x: Any, axes: Any, two: Any, again: Any, epsilon: Any, gamma: Any, beta: Any) -> Any:
    return _normalization(op, x, axes, op.Pow, (two,), again, epsilon, gamma, beta)


def _product(op: Any, x: Any, axes: Any, again: Any, epsilon: Any, gamma: Any, beta: Any) -> Any:
    return _normalization(op, x, axes, op.Mul, (), again, epsilon, gamma, beta)


def _normalization(
    op: Any, x: Any, axes: Any, square: Any, power: tuple[Any, ...], again: Any, epsilon: Any, gamma: Any, beta: Any
) -> Any:
    distance = op.Sub(x, op.ReduceMean(x, axes, _outputs=["mean"]))
    variance = op.ReduceMean(square(distance, *(power or (distance,))), again, _outputs=["variance"])
    return op.Add(op.Mul(op.Div(distance, op.Sqrt(op.Add(variance, epsilon))), gamma), beta, _outputs=["y"])


def _fits(
    _: Any,
    x: ir.Value,
    mean: ir.Value,
    variance: ir.Value,
    epsilon: ir.Value,
    gamma: ir.Value,
    beta: ir.Value,
    **rest: Any,
) -> bool:
    shape = static_shape(x)
    if shape is None or scalar(epsilon) is None or ("two" in rest and scalar(rest["two"]) != 2):
        return False
    last = all(integers(rest[name]) in ((-1,), (len(shape) - 1,)) for name in ("axes", "again"))
    kept = all(value.producer().attributes.get_int("keepdims", 1) for value in (mean, variance))  # type: ignore[union-attr]
    return last and kept and all(parameter(v) and static_shape(v) == shape[-1:] for v in (gamma, beta))


def _layer_norm(
    op: Any, x: ir.Value, epsilon: ir.Value, gamma: ir.Value, beta: ir.Value, y: ir.Value, **_: Any
) -> ir.Value:
    return named_alike(op.LayerNormalization(x, gamma, beta, axis=-1, epsilon=scalar(epsilon)), y)


_RULES = RewriteRuleSet(
    [RewriteRule(pattern, _layer_norm, _fits) for pattern in (_power, _product)],
    commute=True,
)
