"""Turns the choice of fixed positions along an axis into slicing."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, constant, insert_node, static_shape, substitute


class LowerGather(ir.passes.InPlacePass):
    """Gather of one constant position, or of evenly spaced ones, becomes Slice; one position loses its axis (Squeeze).

    Other positions, and positions that the network computes, are declined. The function is unchanged; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type == "Gather":
                changed |= _lower(node)
        return ir.passes.PassResult(model, changed)


def _lower(node: ir.Node) -> bool:
    x, positions = static_shape(node.inputs[0]), constant(node.inputs[1])
    result = static_shape(node.outputs[0])
    if x is None or result is None or positions is None or positions.ndim > 1 or not positions.size:
        return False
    axis = node.attributes.get_int("axis", 0) % len(x)
    spaced = _range(positions.reshape(-1) % x[axis])
    if spaced is None:
        return False
    name, output = node.name or "", str(node.outputs[0].name)
    bounds = [_integers(node, f"{output}_{part}", number) for part, number in zip(_PARTS, (*spaced, axis), strict=True)]
    start, end, step, over = bounds
    value = insert_node(node, "Slice", [node.inputs[0], start, end, over, step], name, f"{output}_sliced")
    value.shape = ir.Shape((*x[:axis], positions.size, *x[axis + 1 :]))
    if positions.ndim == 0:
        value = insert_node(node, "Squeeze", [value, over], f"{name}_squeeze", output)
        value.shape = ir.Shape(result)
    substitute(node, value)
    return True


_PARTS = ("start", "end", "step", "axis")


def _range(positions: np.ndarray) -> tuple[int, int, int] | None:
    """Start, end and step, ascending, of evenly spaced positions."""
    steps = set(np.diff(positions).tolist()) or {1}
    step = steps.pop()
    return (int(positions[0]), int(positions[-1]) + 1, step) if not steps and step > 0 else None


def _integers(node: ir.Node, name: str, number: int) -> ir.Value:
    assert node.graph is not None
    return add_constant(node.graph, name, np.array([number], np.int64))
