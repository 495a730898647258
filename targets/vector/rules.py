"""The kernels of this family, in order of preference; what they do not do, the portable ones do."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq.targets.vector.conv2d import conv2d, dense, fits, sums_fit
from edgeq.targets.vector.depthwise import depthwise, fits_panel

BYTES = frozenset({4, 8})
"""Widths that lie in one byte."""

RULES = (
    Rule("conv2d", depthwise, BYTES, fits=fits_panel),
    Rule("conv2d", conv2d, BYTES, fits=fits),
    Rule("dense", dense, BYTES, fits=sums_fit),
)
