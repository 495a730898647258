"""Which operators can run in another axis order, and how each is changed for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, constant, integers, set_constant, static_shape
from edgeq.passes.fuse_pad import full_pads
from edgeq.quant.scheme import ELEMENTWISE, FUNCTIONS


def inverse(perm: Sequence[int]) -> list[int]:
    """The permutation that undoes `perm`."""
    return [int(i) for i in np.argsort(perm)]


def can_permute(node: ir.Node, rank: int) -> bool:
    """Whether `permute` can change this node, all of whose activations have this rank."""
    if node.op_type not in _PERMUTERS or any(static_shape(value) is None for value in node.outputs):
        return False
    shapes = [static_shape(value) for value in activations(node)]
    if not shapes or any(shape is None or len(shape) != rank for shape in shapes):
        return False
    if node.op_type in ("Pad", "Slice"):
        return all(constant(value) is not None for value in node.inputs[1:] if value is not None)
    return all(len(static_shape(value) or ()) == rank for value in node.outputs)


def activations(node: ir.Node) -> list[ir.Value]:
    """The inputs that are not constant."""
    return [value for value in node.inputs if value is not None and constant(value) is None]


def permute(node: ir.Node, perm: Sequence[int]) -> None:
    """Let a node that worked on transpose(x, perm) work on x: constants, axes and output shapes change.

    The caller replaces the activations.
    """
    _PERMUTERS[node.op_type](node, perm)
    for value in node.outputs:
        shape = static_shape(value)
        assert shape is not None
        value.shape = ir.Shape([shape[i] for i in inverse(perm)])


def _elementwise(node: ir.Node, perm: Sequence[int]) -> None:
    for index, value in enumerate(node.inputs):
        array = constant(value)
        if array is not None and array.size > 1:
            full = array.reshape([1] * (len(perm) - array.ndim) + list(array.shape))
            set_constant(node, index, f"{node.name}_{index}", full.transpose(inverse(perm)))


def _axis(node: ir.Node, perm: Sequence[int]) -> None:
    default = {"Softmax": -1}.get(node.op_type, 0)
    axis = node.attributes.get_int("axis", default)
    node.attributes["axis"] = ir.AttrInt64("axis", perm[axis % len(perm)])


def _pad(node: ir.Node, perm: Sequence[int]) -> None:
    pads = full_pads(node)
    assert pads is not None
    order = inverse(perm)
    permuted = np.array(pads, np.int64).reshape(2, -1)[:, order].reshape(-1)
    if len(node.inputs) > 3:
        node.resize_inputs(3)
    set_constant(node, 1, f"{node.name}_pads", permuted)


def _slice(node: ir.Node, perm: Sequence[int]) -> None:
    starts = integers(node.inputs[1]) or ()
    axes = integers(node.inputs[3]) if len(node.inputs) > 3 else None
    moved = [perm[axis % len(perm)] for axis in (range(len(starts)) if axes is None else axes)]
    if len(node.inputs) < 4:
        node.resize_inputs(4)
    assert node.graph is not None
    node.replace_input_with(3, add_constant(node.graph, f"{node.name}_axes", np.array(moved, np.int64)))


_PERMUTERS: dict[str, Callable[[ir.Node, Sequence[int]], None]] = {
    **dict.fromkeys(FUNCTIONS | ELEMENTWISE | {"Relu", "Clip", "LeakyRelu", "PRelu"}, _elementwise),
    **dict.fromkeys(("Concat", "Softmax", "Split"), _axis),
    "Pad": _pad,
    "Slice": _slice,
}
