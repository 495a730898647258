"""Gives activations one form: Relu, Clip with constant limits, HardSigmoid, HardSwish."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter.pattern import RewriteRule, RewriteRuleSet

from edgeq.passes.editing import (
    add_constant,
    bypass,
    constant,
    is_number,
    named_alike,
    scalar,
    sole_consumer,
    static_shape,
)


class FuseActivation(ir.passes.InPlacePass):
    """Merge consecutive clamps; write Max and Min with a number as Clip, Clip from 0 as Relu; find HardSwish.

    HardSigmoid and HardSwish are found in the arithmetic that exporters write for them: Clip(x + 3, 0, 6) / 6, times
    x. x * Sigmoid(x) stays as it is. Clamps with limits that are not constant, or cross, are declined.

    The function is unchanged up to float rounding; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type in ("Max", "Min"):
                changed |= _to_clip(node)
            if node.op_type in ("Relu", "Clip"):
                changed |= _merge(node)
        changed |= bool(_HARD.apply_to_model(model))
        return ir.passes.PassResult(model, changed)


def limits(node: ir.Node) -> tuple[float, float] | None:
    """The limits of a Relu or Clip; None where they are not constant or cross."""
    if node.op_type == "Relu":
        return 0.0, math.inf
    given = [*node.inputs[1:], None, None][:2]
    found = [scalar(value) for value in given]
    if any(value is not None and number is None for value, number in zip(given, found, strict=True)):
        return None
    low, high = (-math.inf if found[0] is None else found[0]), (math.inf if found[1] is None else found[1])
    return (low, high) if low <= high else None


def _to_clip(node: ir.Node) -> bool:
    """Max(x, number) and Min(x, number)."""
    if len(node.inputs) != 2:
        return False
    index = 0 if constant(node.inputs[1]) is not None else 1
    x, number = node.inputs[index], scalar(node.inputs[1 - index])
    if number is None or x is None or x.dtype != ir.DataType.FLOAT or static_shape(x) != static_shape(node.outputs[0]):
        return False
    node.replace_input_with(0, x)
    _set_limits(node, *((number, math.inf) if node.op_type == "Max" else (-math.inf, number)))
    return True


def _merge(node: ir.Node) -> bool:
    """Take over the clamp in front; write a lone Clip from 0 as Relu."""
    own, x = limits(node), node.inputs[0]
    if own is None or x is None:
        return False
    first = x.producer()
    inner = limits(first) if first is not None and first.op_type in ("Relu", "Clip") else None
    if first is None or inner is None or sole_consumer(x) is not node:
        if node.op_type == "Relu" or own != (0.0, math.inf):
            return False
        _set_limits(node, *own)
        return True
    merged = [min(max(limit, own[0]), own[1]) for limit in inner]
    bypass(first)
    _set_limits(node, *merged)
    return True


def _set_limits(node: ir.Node, low: float, high: float) -> None:
    """Make the node a Clip, or a Relu where that says the same."""
    if (low, high) == (0.0, math.inf):
        node.op_type = "Relu"
        node.resize_inputs(1)
        return
    graph = node.graph
    assert graph is not None
    node.op_type = "Clip"
    node.resize_inputs(3)
    for index, (limit, name) in enumerate(((low, "min"), (high, "max")), 1):
        array = np.array(limit, np.float32)
        node.replace_input_with(
            index, add_constant(graph, f"{node.name}_{name}", array) if abs(limit) < math.inf else None
        )


def _hard_sigmoid(op: Any, x: Any, three: Any, low: Any, high: Any, sixth: Any) -> Any:
    return op.Mul(op.Clip(op.Add(x, three), low, high), sixth, _outputs=["y"])


def _is_hard_sigmoid(_: Any, three: ir.Value, low: ir.Value, high: ir.Value, sixth: ir.Value, **__: Any) -> bool:
    return is_number(three, 3) and scalar(low) == 0 and is_number(high, 6) and is_number(sixth, 1 / 6)


def _to_hard_sigmoid(op: Any, x: ir.Value, y: ir.Value, **_: Any) -> ir.Value:
    return named_alike(op.HardSigmoid(x, alpha=1 / 6, beta=0.5), y)


def _hard_swish(op: Any, x: Any) -> Any:
    return op.Mul(x, op.HardSigmoid(x, _outputs=["gate"]), _outputs=["y"])


def _is_hard_swish(_: Any, gate: ir.Value, **__: Any) -> bool:
    node = gate.producer()
    assert node is not None
    alpha, beta = node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5)
    return math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5


def _to_hard_swish(op: Any, x: ir.Value, y: ir.Value, **_: Any) -> ir.Value:
    return named_alike(op.HardSwish(x), y)


_HARD = RewriteRuleSet(
    [
        RewriteRule(_hard_sigmoid, _to_hard_sigmoid, _is_hard_sigmoid),
        RewriteRule(_hard_swish, _to_hard_swish, _is_hard_swish),
    ],
    commute=True,
)
"""Clip(x + 3, 0, 6) * (1 / 6), and x * HardSigmoid(x)."""
