"""How fine the grid of a result may be: results of integers come in steps, and finer grids only cost bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgeq.passes.quantization_points import activation_operands, group_output
from edgeq.quant.qparams import QuantParams
from edgeq.quant.scheme import AVERAGES, ELEMENTWISE, SLOPES

LIMITED = AVERAGES | ELEMENTWISE | SLOPES | {"Concat"}
"""Anchors whose accumulators are shifted left where the result's grid is finer than the operands' (NUMERICS.md)."""

ROOM = 20
"""Bits that an operand and the shift may take together; the rest of the accumulator's 31 are for sums."""


def not_too_fine(value: ir.Value, chosen: QuantParams, params_of: Callable[[ir.Value], QuantParams]) -> QuantParams:
    """`chosen`, or the same zero point with the finest scale that leaves accumulators their room.

    A range that is almost a point asks for more: a sigmoid that calibration only saw near 0, then averaged.

    Args:
        value: Output of a fused group, or a graph input.
        params_of: Parameters of the operands of anchors.
    """
    anchor = _anchor(value)
    if anchor is None or anchor.op_type not in LIMITED:
        return chosen
    operands = [params_of(operand) for _, operand in activation_operands(anchor)]
    steps = [operand.scale for operand in operands]
    step = float(np.prod(steps)) if anchor.op_type == "Mul" else max(steps)
    finest = step * 2.0 ** (max(operand.bits for operand in operands) - ROOM)
    return chosen if chosen.scale >= finest else replace(chosen, scale=float(np.float32(finest)))


def _anchor(value: ir.Value) -> ir.Node | None:
    """The anchor of the fused group that a value is the output of."""
    node = value.producer()
    operand = None if node is None else node.inputs[0]
    before = None if operand is None else operand.producer()
    return before if before is not None and group_output(before) is value else node
