"""Removes nodes that hand their input on unchanged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import bypass, constant, integers, static_shape


class RemoveIdentity(ir.passes.InPlacePass):
    """Remove Identity, Dropout, and every Cast, Reshape, Transpose, Slice, Pad, Add, ... that changes nothing.

    A node between two names of the interface stays: something must rename the value.

    The function is unchanged; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            test = _TESTS.get(node.op_type)
            if test is not None and _single(node) and test(node):
                changed |= bypass(node)
        return ir.passes.PassResult(model, changed)


def _single(node: ir.Node) -> bool:
    """Nobody needs a second output (the mask of Dropout)."""
    return all(not value.uses() and not value.is_graph_output() for value in node.outputs[1:])


def _always(node: ir.Node) -> bool:
    return True


def _dropout(node: ir.Node) -> bool:
    training = node.inputs[2] if len(node.inputs) > 2 else None
    flag = constant(training)
    return training is None or (flag is not None and not flag.any())


def _same_type(node: ir.Node) -> bool:
    source = node.inputs[0]
    return source is not None and source.dtype is not None and source.dtype == node.attributes["to"].as_int()


def _like_type(node: ir.Node) -> bool:
    source, like = node.inputs
    return source is not None and like is not None and source.dtype is not None and source.dtype == like.dtype


def _same_shape(node: ir.Node) -> bool:
    shape = static_shape(node.inputs[0])
    return shape is not None and shape == static_shape(node.outputs[0])


def _in_order(node: ir.Node) -> bool:
    perm = node.attributes.get_ints("perm", ())
    return bool(perm) and list(perm) == sorted(perm)


def _takes_all(node: ir.Node) -> bool:
    """The same shape comes out, and no axis is reversed."""
    steps = integers(node.inputs[4]) if len(node.inputs) > 4 else (1,)
    return steps is not None and min(steps) > 0 and _same_shape(node)


def _no_pads(node: ir.Node) -> bool:
    pads = integers(node.inputs[1])
    return pads is not None and not any(pads)


def _one_input(node: ir.Node) -> bool:
    return len(node.inputs) == 1


def _neutral(number: float) -> Callable[[ir.Node], bool]:
    """The second input is everywhere the operator's neutral element, and does not broadcast the first."""

    def test(node: ir.Node) -> bool:
        other = constant(node.inputs[1])
        return other is not None and bool(np.all(other == number)) and _same_shape(node)

    return test


_TESTS: dict[str, Callable[[ir.Node], bool]] = {
    "Identity": _always,
    "Dropout": _dropout,
    "Cast": _same_type,
    "CastLike": _like_type,
    "Reshape": _same_shape,
    "Flatten": _same_shape,
    "Squeeze": _same_shape,
    "Unsqueeze": _same_shape,
    "Expand": _same_shape,
    "Tile": _same_shape,
    "Transpose": _in_order,
    "Slice": _takes_all,
    "Pad": _no_pads,
    "Concat": _one_input,
    "Add": _neutral(0),
    "Sub": _neutral(0),
    "Mul": _neutral(1),
    "Div": _neutral(1),
}
