"""The operators of the integer program: frozen dataclasses, one per kernel call.

Buffers are named by strings. Weights, biases and multipliers are *logical* arrays: `lower` packs them into the order
that a kernel wants. The arithmetic of each operator is that of docs/NUMERICS.md; `edgeq.program.semantics` executes it.
"""

from edgeq.program.ops.base import Op, Requantize, View
from edgeq.program.ops.elementwise import Add, Interpolate, Lut, Mul
from edgeq.program.ops.layers import Conv2D, Dense
from edgeq.program.ops.movement import Copy, Fill, Gather
from edgeq.program.ops.recurrent import Recurrent
from edgeq.program.ops.rows import LayerNorm, MatMul, Softmax
from edgeq.program.ops.windows import AveragePool, MaxPool

__all__ = [
    "Add",
    "AveragePool",
    "Conv2D",
    "Copy",
    "Dense",
    "Fill",
    "Gather",
    "Interpolate",
    "LayerNorm",
    "Lut",
    "MatMul",
    "MaxPool",
    "Mul",
    "Op",
    "Recurrent",
    "Requantize",
    "Softmax",
    "View",
]
