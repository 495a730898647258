"""The kernels of this family, in order of preference; what they do not do, the portable ones do."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq.targets.dsp.conv2d import conv2d, fits
from edgeq.targets.dsp.depthwise import depthwise, is_three_wide
from edgeq.targets.dsp.depthwise_taps import depthwise_taps, is_in_fours
from edgeq.targets.dsp.narrow import is_narrow, narrow
from edgeq.targets.dsp.pointwise import dense, is_pointwise, pointwise
from edgeq.targets.dsp.product import has_product
from edgeq.targets.portable.blocked import conv2d_blocked, dense_blocked, in_blocks

DSP = frozenset({"dsp"})
BYTES = frozenset({4, 8})
"""Widths that lie in one byte."""
WEIGHTS = frozenset({2, 4, 8})

RULES = (
    Rule("conv2d", conv2d_blocked, fits=in_blocks),
    Rule("dense", dense_blocked, fits=in_blocks),
    Rule("conv2d", narrow, BYTES, WEIGHTS, DSP, is_narrow),
    Rule("conv2d", pointwise, BYTES, WEIGHTS, DSP, is_pointwise),
    Rule("conv2d", depthwise, BYTES, WEIGHTS, DSP, is_three_wide),
    Rule("conv2d", depthwise_taps, BYTES, WEIGHTS, DSP, is_in_fours),
    Rule("conv2d", conv2d, BYTES, WEIGHTS, DSP, fits),
    Rule("dense", dense, BYTES, WEIGHTS, DSP, has_product),
)
