"""Spells out what Conv and pooling nodes leave implicit."""

from __future__ import annotations

import onnx_ir as ir

from edgeq.errors import UnsupportedError
from edgeq.passes.editing import static_shape

_WINDOWED = frozenset({"Conv", "MaxPool", "AveragePool"})


class NormalizeConv(ir.passes.InPlacePass):
    """Give Conv, MaxPool and AveragePool explicit `kernel_shape`, `strides`, `dilations` and `pads`.

    `auto_pad` and `ceil_mode` become pads: with static shapes they say nothing more. A padded element never counts
    in a maximum or, without `count_include_pad`, in an average; with it, `ceil_mode` stays.

    The function is unchanged; idempotent.

    Raises:
        UnsupportedError: `ceil_mode` adds a window that begins in the padding behind the image. Opset 22 says that
            there is none, and runtimes never computed it, but shape inference for older opsets counts it.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type in _WINDOWED:
                changed |= _normalize(node)
        return ir.passes.PassResult(model, changed)


def _normalize(node: ir.Node) -> bool:
    wanted = _explicit(node)
    if wanted is None:
        return False
    implicit = ("auto_pad",) if _keeps_ceil(node) else ("auto_pad", "ceil_mode")
    dropped = [key for key in implicit if key in node.attributes]
    changed = bool(dropped)
    for key in dropped:
        del node.attributes[key]
    for key, value in wanted.items():
        attribute = ir.convenience.convert_attribute(key, value)
        if node.attributes.get(key) != attribute:
            node.attributes[key] = attribute
            changed = True
    return changed


def _keeps_ceil(node: ir.Node) -> bool:
    """Where pads made explicit would be counted in an average that does not count them now."""
    attributes = node.attributes
    counted = bool(attributes.get_int("ceil_mode", 0)) and bool(attributes.get_int("count_include_pad", 0))
    return counted and attributes.get_string("auto_pad", "NOTSET") == "NOTSET"


def _explicit(node: ir.Node) -> dict[str, list[int]] | None:
    """All window attributes; None where a shape is unknown or the node is malformed."""
    x, y = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    weight = static_shape(node.inputs[1]) if node.op_type == "Conv" else None
    if x is None or y is None or len(x) < 3:
        return None
    rank = len(x) - 2
    attributes = node.attributes
    kernel = attributes.get_ints("kernel_shape", weight[2:] if weight else None)
    if kernel is None or len(kernel) != rank:
        return None
    explicit = {
        "kernel_shape": list(kernel),
        "strides": list(attributes.get_ints("strides", [1] * rank)),
        "dilations": list(attributes.get_ints("dilations", [1] * rank)),
    }
    explicit["pads"] = _pads(node, explicit, x[2:], y[2:])
    return explicit


def _pads(node: ir.Node, explicit: dict[str, list[int]], x: tuple[int, ...], y: tuple[int, ...]) -> list[int]:
    """Begin pads, then end pads, as ONNX orders them."""
    rank, mode = len(x), node.attributes.get_string("auto_pad", "NOTSET")
    pads = list(node.attributes.get_ints("pads", [0] * 2 * rank)) if mode == "NOTSET" else [0] * 2 * rank
    for i in range(rank):
        span = (explicit["kernel_shape"][i] - 1) * explicit["dilations"][i] + 1
        if mode == "NOTSET" and (y[i] - 1) * explicit["strides"][i] >= x[i] + pads[i]:
            raise _begins_in_padding(node)
        missing = max(0, (y[i] - 1) * explicit["strides"][i] + span - x[i] - pads[i] - pads[i + rank])
        begin = {"SAME_UPPER": missing // 2, "SAME_LOWER": missing - missing // 2}.get(mode, 0)
        if not _keeps_ceil(node):
            pads[i] += begin
            pads[i + rank] += missing - begin
    return pads


def _begins_in_padding(node: ir.Node) -> UnsupportedError:
    return UnsupportedError(
        f"the last window of this {node.op_type} (ceil_mode) begins in the padding",
        node=node.name,
        fix="export it without ceil_mode, or with smaller pads at the end",
    )
