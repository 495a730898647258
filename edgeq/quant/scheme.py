"""What quantization means for each ONNX operator: where integers are made, what is fused, what only moves them."""

from __future__ import annotations

from edgeq.quant.qparams import QuantParams, Range, Scheme

WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
"""Operators whose input 1 is a constant weight, quantized symmetrically, one multiplier per output channel; a MatMul of
two activations is none (`passes.weighted.is_weighted`)."""

ELEMENTWISE = frozenset({"Add", "Sub", "Mul"})
"""Operators of two activations, either of which may be a constant."""

AVERAGES = frozenset({"AveragePool", "GlobalAveragePool"})
"""Operators that sum integers and requantize."""

FUNCTIONS = frozenset(
    {"Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Exp", "Abs", "Neg", "Sqrt", "Erf", "Softplus", "Elu", "Gelu"}
)
"""Operators that are a table of 256 entries."""

CLAMPS = frozenset({"Relu", "Clip"})
"""Activations that the clamp of a requantization carries."""

SLOPES = frozenset({"LeakyRelu", "PRelu"})
"""Activations that need a second multiplier, for negative accumulators."""

FRACTIONS = frozenset({"Softmax", "Sigmoid", "HardSigmoid"})
"""Operators with outputs from 0 to 1."""

RECURRENT = frozenset({"LSTM", "GRU"})
"""Operators whose inputs 1 and 2 are constant weights of 8 bits, one scale per row; their states have 16 bits."""

ANCHORS = (
    WEIGHTED
    | RECURRENT
    | ELEMENTWISE
    | AVERAGES
    | FUNCTIONS
    | CLAMPS
    | SLOPES
    | {"Concat", "Softmax", "LayerNormalization", "Gather"}
)
"""Operators that compute new integers on a grid of their own."""

MOVEMENT = frozenset(
    {"Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Split", "Resize", "Pad", "Identity", "Expand"}
    | {"MaxPool", "GlobalMaxPool"}
)
"""Operators whose output elements are input elements (or, padded, exact zeros): they inherit the parameters."""

QUANTIZERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""Operators between real numbers and integers."""

FUSES = {
    **dict.fromkeys(WEIGHTED, CLAMPS | SLOPES),
    **dict.fromkeys(ELEMENTWISE | AVERAGES, CLAMPS),
}
"""Which activations an anchor absorbs when it is their only producer and they its only consumer."""


def output_params(op_type: str, bits: int) -> QuantParams | None:
    """Parameters fixed by the mathematics of an operator; None where the data decides.

    Softmax and the sigmoids fill 0..1 and tanh -1..1, whatever the samples show, and a power of two is exact.
    """
    if op_type == "Tanh" or (op_type in FRACTIONS and symmetric(bits)):
        return QuantParams(2.0 ** (1 - bits), 0, bits)
    if op_type in FRACTIONS:
        return QuantParams(2.0**-bits, -(1 << (bits - 1)), bits)
    return None


def symmetric(bits: int) -> bool:
    """Whether activations of this width have the zero point 0: wide ones can afford it (docs/NUMERICS.md)."""
    return bits > 8


def range_params(found: Range, bits: int, scheme: Scheme = "asymmetric") -> QuantParams:
    """Parameters of an activation that has this range: `QuantParams.from_range`, wide ones always symmetric."""
    wide = scheme == "asymmetric" and symmetric(bits)
    return QuantParams.from_range(found.lo, found.hi, bits=bits, scheme="symmetric" if wide else scheme)
