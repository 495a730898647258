"""The kernels of this family, in order of preference."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq.targets.portable.average_pool import average_pool
from edgeq.targets.portable.blocked import conv2d_blocked, dense_blocked, in_blocks
from edgeq.targets.portable.conv2d import conv2d
from edgeq.targets.portable.copy import copy, fill
from edgeq.targets.portable.dense import dense
from edgeq.targets.portable.depthwise import depthwise, one_output_per_channel
from edgeq.targets.portable.elementwise import add, interpolate, lut, mul
from edgeq.targets.portable.gather import gather
from edgeq.targets.portable.layer_norm import layer_norm
from edgeq.targets.portable.matmul import matmul
from edgeq.targets.portable.max_pool import max_pool
from edgeq.targets.portable.recurrent import recurrent
from edgeq.targets.portable.softmax import softmax

RULES = (
    Rule("conv2d", conv2d_blocked, fits=in_blocks),
    Rule("dense", dense_blocked, fits=in_blocks),
    Rule("conv2d", depthwise, fits=one_output_per_channel),
    Rule("conv2d", conv2d),
    Rule("dense", dense),
    Rule("average_pool", average_pool),
    Rule("max_pool", max_pool),
    Rule("add", add),
    Rule("mul", mul),
    Rule("lut", lut),
    Rule("interpolate", interpolate),
    Rule("softmax", softmax),
    Rule("layer_norm", layer_norm),
    Rule("matmul", matmul),
    Rule("recurrent", recurrent),
    Rule("gather", gather),
    Rule("copy", copy),
    Rule("fill", fill),
)
