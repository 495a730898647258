"""The kernels of this family, in order of preference; what they do not do, the portable ones do."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq.targets.mve.add import add, fits_vectors
from edgeq.targets.mve.average_pool import average_pool, is_uniform
from edgeq.targets.mve.conv2d import conv2d, fits
from edgeq.targets.mve.depthwise import depthwise, fits_patches
from edgeq.targets.mve.depthwise_lanes import depthwise_lanes, fits_lanes
from edgeq.targets.mve.pointwise import dense, is_pointwise, pointwise
from edgeq.targets.mve.weights import fit_bytes
from edgeq.targets.portable.blocked import conv2d_blocked, dense_blocked, in_blocks

MVE = frozenset({"mve"})
BYTES = frozenset({4, 8})
"""Widths that lie in one byte."""

RULES = (
    Rule("conv2d", conv2d_blocked, fits=in_blocks),
    Rule("dense", dense_blocked, fits=in_blocks),
    Rule("conv2d", pointwise, BYTES, features=MVE, fits=is_pointwise),
    Rule("conv2d", depthwise, BYTES, features=MVE, fits=fits_patches),
    Rule("conv2d", depthwise_lanes, BYTES, features=MVE, fits=fits_lanes),
    Rule("conv2d", conv2d, BYTES, features=MVE, fits=fits),
    Rule("add", add, BYTES, features=MVE, fits=fits_vectors),
    Rule("average_pool", average_pool, BYTES, features=MVE, fits=is_uniform),
    Rule("dense", dense, BYTES, features=MVE, fits=fit_bytes),
)
