"""Blockwise weights as ONNX writes them, and as int8 weights with one scale per channel: each into the other."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.annotations import BLOCK_KEY
from edgeq.passes.editing import add_constant, constant
from edgeq.passes.qdq import INTEGERS, Grid, insert_dequantizer, read_grid
from edgeq.passes.weighted import channel_axis, is_weighted
from edgeq.quant.blocks import MOST, common_scale, factored


class MergeBlocks(ir.passes.InPlacePass):
    """Makes int8 weights with one scale per channel of those with a scale per block of input channels.

    Exact where the scales of a channel are small integers times one number, as `RoundBlocks` chooses them; others are
    refused. The block stays noted, and `FreezeWeights` writes it again.

    Raises:
        UnsupportedError: Scales are others, along another axis, or not constant.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in [node for node in model.graph if is_weighted(node)]:
            source = node.inputs[1].producer() if node.inputs[1] is not None else None
            if source is not None and (source.attributes.get_int("block_size") or 0) > 0:
                _merge(node, source)
                changed = True
        return ir.passes.PassResult(model, modified=changed)


def _merge(node: ir.Node, source: ir.Node) -> None:
    axis, size = channel_axis(node), source.attributes.get_int("block_size", 0)
    codes, scale = constant(source.inputs[0]), constant(source.inputs[1])
    zero = constant(source.inputs[2]) if len(source.inputs) > 2 else None
    graph, value = node.graph, source.inputs[0]
    if codes is None or scale is None or source.attributes.get_int("axis", 1) % codes.ndim != block_axis(node):
        raise _refusal(node, "blocks are not constant, or not along the input channels")
    if zero is not None and zero.astype(np.int32).any():
        raise _refusal(node, "blocks of weights have zero points")
    channels = np.moveaxis(scale, axis, 0)
    try:
        common, factors = common_scale(channels.reshape(len(channels), -1))
    except ValueError as error:
        raise _refusal(node, str(error)) from error
    wide = np.moveaxis(factors.reshape(channels.shape), 0, axis).repeat(size, axis=block_axis(node))
    merged = codes.astype(np.int64) * wide
    if np.abs(merged).max(initial=0) > MOST:
        raise _refusal(node, "codes times the factors of their blocks are more than 8 bits")
    assert graph is not None and value is not None
    weight = add_constant(graph, f"{value.name}_merged", merged.astype(np.int8))
    grid = Grid.symmetric(common, 8, axis)
    node.replace_input_with(1, insert_dequantizer(graph, weight, grid, f"{value.name}_merged", before=node))
    node.meta[BLOCK_KEY] = size


def split_blocks(node: ir.Node) -> int:
    """Gives a node whose frozen int8 weight `RoundBlocks` has made its codes, and a scale for each block.

    Returns:
        The width of the codes.
    """
    undo, size, axis = node.inputs[1].producer(), node.meta[BLOCK_KEY], channel_axis(node)  # type: ignore[union-attr]
    assert undo is not None and node.graph is not None
    grid, weight = read_grid(undo), constant(undo.inputs[0])
    assert weight is not None
    rows = np.moveaxis(weight, axis, 0)
    parts = np.moveaxis(rows.reshape(len(rows), -1, size, *rows.shape[2:]), 2, -1)
    blocks = factored(parts.reshape(-1, size))
    codes = np.moveaxis(np.moveaxis(blocks.codes.reshape(parts.shape), -1, 2).reshape(rows.shape), 0, axis)
    scale = blocks.factors.reshape(parts.shape[:-1]) * grid.scale.reshape(-1, *[1] * (parts.ndim - 2))
    name = str(undo.inputs[0].name)  # type: ignore[union-attr]
    integers = np.ascontiguousarray(codes).astype(INTEGERS[blocks.bits])
    inputs = [
        add_constant(node.graph, f"{name}_codes", integers),
        add_constant(node.graph, f"{name}_scales", np.moveaxis(scale, 0, axis).astype(np.float32)),
    ]
    attributes = {"axis": block_axis(node), "block_size": size}
    made = ir.node("DequantizeLinear", inputs, attributes=attributes, name=undo.name)
    made.outputs[0].name, undo.outputs[0].name = undo.outputs[0].name, None
    made.outputs[0].type, made.outputs[0].shape = ir.TensorType(ir.DataType.FLOAT), undo.outputs[0].shape
    node.graph.insert_before(node, made)
    node.replace_input_with(1, made.outputs[0])
    return blocks.bits


def block_axis(node: ir.Node) -> int:
    """Axis of the input channels in the weight: what is not the output channels, or the one behind them."""
    return 1 - channel_axis(node)


def _refusal(node: ir.Node, what: str) -> UnsupportedError:
    return UnsupportedError(
        what,
        node=node.name,
        tensor=None if node.inputs[1] is None else node.inputs[1].name,
        fix="let edgeq choose the blocks of the float model: --pass round_blocks=on",
    )
