"""Lets convolutions and average pools do the padding that a Pad node does."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import bypass, integers, scalar, sole_consumer, static_shape


class FusePad(ir.passes.InPlacePass):
    """Fuse Pad with zeros into the `pads` of the Conv or AveragePool behind it.

    An AveragePool then counts the padding (`count_include_pad`), which is exact only if it had no pads that it did not
    count. MaxPool pads with minus infinity, and is left alone; so are pads on batch or channels and negative ones.
    Needs the explicit windows that `NormalizeConv` leaves.

    The function is unchanged; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type == "Pad":
                changed |= _fuse(node)
        return ir.passes.PassResult(model, changed)


def _fuse(node: ir.Node) -> bool:
    layer, pads = sole_consumer(node.outputs[0]), _image_pads(node)
    if layer is None or pads is None or layer.inputs[0] is not node.outputs[0] or not _can_pad(layer):
        return False
    total = [have + more for have, more in zip(layer.attributes["pads"].as_ints(), pads, strict=True)]
    kernel = layer.attributes["kernel_shape"].as_ints()
    if layer.op_type == "AveragePool":
        # onnxruntime refuses pools whose pads reach the kernel size.
        if any(pad >= size for pad, size in zip(total, (*kernel, *kernel), strict=True)):
            return False
        layer.attributes["count_include_pad"] = ir.AttrInt64("count_include_pad", 1)
    if not bypass(node):
        return False
    layer.attributes["pads"] = ir.AttrInt64s("pads", total)
    return True


def _can_pad(layer: ir.Node) -> bool:
    attributes = layer.attributes
    if "pads" not in attributes or "kernel_shape" not in attributes:
        return False
    if layer.op_type == "AveragePool":
        counted = attributes.get_int("count_include_pad", 0) or not any(attributes["pads"].as_ints())
        return bool(counted) and not attributes.get_int("ceil_mode", 0)
    return layer.op_type == "Conv"


def _image_pads(node: ir.Node) -> list[int] | None:
    """Begin and end pads of the image axes, if the node pads only those, with zeros."""
    shape, pads = static_shape(node.inputs[0]), full_pads(node)
    value = node.inputs[2] if len(node.inputs) > 2 else None
    if shape is None or pads is None or node.attributes.get_string("mode", "constant") != "constant":
        return None
    if (value is not None and scalar(value) != 0) or min(pads) < 0:
        return None
    begin, end = pads[: len(shape)], pads[len(shape) :]
    return None if any((*begin[:2], *end[:2])) else [*begin[2:], *end[2:]]


def full_pads(node: ir.Node) -> list[int] | None:
    """The pads of a Pad node for every axis, begin then end; None where they are not constant."""
    shape, given = static_shape(node.inputs[0]), integers(node.inputs[1])
    chosen = node.inputs[3] if len(node.inputs) > 3 else None
    axes = integers(chosen) if chosen is not None else tuple(range(len(shape or ())))
    if shape is None or given is None or axes is None:
        return None
    pads = np.zeros((2, len(shape)), np.int64)
    pads[:, [axis % len(shape) for axis in axes]] = np.reshape(given, (2, -1))
    return [int(pad) for pad in pads.reshape(-1)]
