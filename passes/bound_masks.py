"""Makes the minus infinity of attention masks a number."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import constant

MASKED = -128.0
"""What scores are lowered by where they must not count: exp(-128) is less than any float32 that is added to 1."""


class BoundMasks(ir.passes.InPlacePass):
    """Minus infinity becomes -128 in constants that are added, or chosen by a condition, as exporters mask scores.

    Softmax makes zeros of both. Constants with other uses are declined. The function is unchanged up to float
    rounding, as far as scores that count lie within 40 of each other; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = [_bound(value) for value in model.graph.initializers.values()]
        return ir.passes.PassResult(model, any(changed))


def _bound(value: ir.Value) -> bool:
    array = constant(value)
    if array is None or array.dtype.kind != "f" or not np.isneginf(array).any():
        return False
    if not all(user.op_type in ("Add", "Where") for user in value.consumers()):
        return False
    value.const_value = ir.tensor(np.where(np.isneginf(array), np.float32(MASKED), array), name=value.name)
    return True
