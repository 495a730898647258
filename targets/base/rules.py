"""The kernels of this family, in order of preference; what they do not do, the portable ones do."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq.targets.base.conv2d import conv2d, dense, has_window, is_plain
from edgeq.targets.portable.blocked import conv2d_blocked, dense_blocked, in_blocks

BYTES = frozenset({4, 8})
"""Widths that lie in one byte."""
WEIGHTS = frozenset({8})
ARMV7 = frozenset({"long-multiply"})
"""What cores have whose instructions reach all registers."""

RULES = (
    Rule("conv2d", conv2d_blocked, fits=in_blocks),
    Rule("dense", dense_blocked, fits=in_blocks),
    Rule("conv2d", conv2d, BYTES, WEIGHTS, ARMV7, is_plain),
    Rule("conv2d", conv2d, BYTES, WEIGHTS, fits=has_window),
    Rule("dense", dense, BYTES, WEIGHTS, ARMV7, is_plain),
)
