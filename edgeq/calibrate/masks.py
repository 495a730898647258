"""Scores that a mask was added to: how far down their range must go."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

from edgeq.quant.scheme import MOVEMENT
from edgeq.quant.tables import SOFTMAX_TABLE_BITS

if TYPE_CHECKING:
    import onnx_ir as ir

REACH = (SOFTMAX_TABLE_BITS + 2) * log(2)
"""What lies further below the largest score of its row is 0 in the integers of Softmax."""
MASK = -100.0
"""What a mask has at most where it masks."""


def masked_scores(model: ir.Model) -> dict[str, int]:
    """Names of what Softmax reads of sums with a mask, and its axis.

    Masks are constants, or rows of a constant table, that hold a number of -100 or less.
    """
    softmax = [node for node in model.graph if node.op_type == "Softmax" and node.inputs[0] is not None]
    sums = [(node, node.inputs[0].producer()) for node in softmax]  # type: ignore[union-attr]
    return {
        str(node.inputs[0].name): node.attributes.get_int("axis", -1) or -1  # type: ignore[union-attr]
        for node, add in sums
        if add is not None and add.op_type == "Add" and any(_is_mask(value) for value in add.inputs)
    }


def floored(scores: np.ndarray, axis: int) -> np.ndarray:
    """Scores (samples, *shape), with those that Softmax makes zeros of raised to where they begin to be zeros.

    Args:
        axis: Of Softmax, without the sample axis where it is not counted from the end.
    """
    over = axis if axis < 0 else axis + 1
    return np.maximum(scores, scores.max(axis=over, keepdims=True) - REACH)


def _is_mask(value: ir.Value | None) -> bool:
    node = None if value is None else value.producer()
    while node is not None and node.op_type in (*MOVEMENT, "Gather"):
        value = node.inputs[0]
        node = None if value is None else value.producer()
    array = None if value is None or value.const_value is None else value.const_value.numpy()
    return array is not None and array.size > 0 and bool(array.min() <= MASK)
