"""What a Resize node does, where it only repeats elements."""

from __future__ import annotations

import math

import onnx_ir as ir

from edgeq.passes.editing import static_shape


def repeats(node: ir.Node) -> tuple[int, ...] | None:
    """How often each axis's elements are repeated; None where the node does anything else.

    Follows the ONNX specification of Resize: the coordinate of output element i in the input, rounded.
    """
    x, y = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if x is None or y is None or node.attributes.get_string("mode", "nearest") != "nearest":
        return None
    if any(small == 0 or large % small for small, large in zip(x, y, strict=True)):
        return None
    factors = tuple(large // small for small, large in zip(x, y, strict=True))
    transform = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    rounding = _ROUNDINGS.get(node.attributes.get_string("nearest_mode", "round_prefer_floor") or "")
    shift = {"half_pixel": 0.5, "half_pixel_symmetric": 0.5, "pytorch_half_pixel": 0.5, "asymmetric": 0.0}.get(
        transform
    )
    if shift is None or rounding is None:
        return None
    for size, factor in zip(x, factors, strict=True):
        sources = [min(max(rounding((i + shift) / factor - shift), 0), size - 1) for i in range(size * factor)]
        if sources != [i // factor for i in range(size * factor)]:
            return None
    return factors


_ROUNDINGS = {
    "round_prefer_floor": lambda x: math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: math.floor(x + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}
