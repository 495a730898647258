"""The kernels of this family, in order of preference; what they do not do, the portable ones do."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq.targets.dsp.average_pool import average_pool, sums_in_halves
from edgeq.targets.dsp.conv2d import conv2d, fits, is_plain
from edgeq.targets.dsp.depthwise import depthwise, has_eight_channels, is_three_wide, is_three_wide_halves
from edgeq.targets.dsp.depthwise_taps import depthwise_taps, is_in_fours, is_in_fours_of_halves
from edgeq.targets.dsp.max_pool import is_packed_max_pool, max_pool
from edgeq.targets.dsp.narrow import is_narrow, narrow
from edgeq.targets.dsp.packed import in_whole_bytes
from edgeq.targets.dsp.packed_add import is_packed_add, never, packed_add
from edgeq.targets.dsp.pointwise import dense, is_pointwise, pointwise
from edgeq.targets.dsp.pool import in_packed_words, is_in_words
from edgeq.targets.dsp.product import has_product
from edgeq.targets.dsp.softmax import is_short, softmax
from edgeq.targets.dsp.wide_pointwise import is_wide_pointwise, wide_dense, wide_pointwise
from edgeq.targets.portable.blocked import conv2d_blocked, dense_blocked, in_blocks

DSP = frozenset({"dsp"})
BYTES = frozenset({4, 8})
"""Widths that lie in one byte."""
WEIGHTS = frozenset({2, 4, 8})
HALVES = frozenset({16})
NIBBLES = frozenset({4})
WHOLE = frozenset({8})
ANY = BYTES | HALVES

RULES = (
    Rule("conv2d", conv2d_blocked, fits=in_blocks),
    Rule("dense", dense_blocked, fits=in_blocks),
    Rule("conv2d", narrow, BYTES, WEIGHTS, DSP, is_narrow, ANY),
    Rule("conv2d", pointwise, BYTES, WEIGHTS, DSP, is_pointwise, ANY, in_whole_bytes(is_pointwise)),
    Rule("conv2d", depthwise, BYTES, WEIGHTS, DSP, is_three_wide, ANY, in_whole_bytes(has_eight_channels)),
    Rule("conv2d", depthwise_taps, BYTES, WEIGHTS, DSP, is_in_fours, ANY),
    Rule("conv2d", conv2d, BYTES, WEIGHTS, DSP, fits, ANY, in_whole_bytes(fits)),
    Rule("dense", dense, BYTES, WEIGHTS, DSP, has_product, ANY, in_whole_bytes(has_product)),
    Rule("conv2d", wide_pointwise, HALVES, WHOLE, DSP, is_wide_pointwise, ANY),
    Rule("conv2d", depthwise, HALVES, WEIGHTS, DSP, is_three_wide_halves, ANY),
    Rule("conv2d", depthwise_taps, HALVES, WEIGHTS, DSP, is_in_fours_of_halves, ANY),
    Rule("conv2d", conv2d, HALVES, WHOLE, DSP, is_plain, ANY),
    Rule("dense", wide_dense, HALVES, WHOLE, DSP, result_bits=ANY),
    Rule("average_pool", average_pool, BYTES, WHOLE, DSP, sums_in_halves, ANY, in_packed_words(sums_in_halves)),
    Rule("max_pool", max_pool, BYTES, features=DSP, fits=is_in_words, packed=is_packed_max_pool),
    Rule("softmax", softmax, BYTES, features=DSP | {"divide"}, fits=is_short, result_bits=ANY),
    Rule("add", packed_add, NIBBLES, features=DSP, fits=never, packed=is_packed_add),
)
