"""Operators that the DSP family has kernels for, with activations of other widths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from lower.operator_parts import limits
from lower.operators import Case

from edgeq.program.ops import Add, Conv2D, Dense, MaxPool, Op, View
from edgeq.program.program import Buffer


def halved(case: Case, rng: np.random.Generator) -> Case:
    """Of int16, symmetric, some with sums of more than 32 bits; results of 16 or of 8 bits."""
    op = case.op
    sums = np.abs(op.weight.reshape(len(op.weight), -1).astype(np.int64)).sum(axis=1) << 15
    bound = int((sums + np.abs(op.bias)).max())
    right = max(0, bound.bit_length() - 31) + int(rng.integers(0, 4))
    multiplier = (op.requantize.multiplier.astype(np.int64) << 4).clip(0, (1 << 30) - 1).astype(np.int32)
    scaled = replace(op.requantize, multiplier=multiplier, left=0, right=right, negative=None)
    if rng.random() < 0.3:
        scaled = replace(scaled, negative=(multiplier * rng.uniform(-1, 1, len(multiplier))).astype(np.int32))
    plain = {"x_zero_point": 0} if isinstance(op, Conv2D) else {}
    x = replace(case.buffers["x"], bits=16)
    return with_result(Case(replace(op, requantize=scaled, **plain), case.buffers | {"x": x}), int(rng.choice([8, 16])))


def with_result(case: Case, bits: int) -> Case:
    """The operator with a result of so many bits."""
    (low, high), scaled = limits(bits), case.op.requantize
    zero_point = 0 if bits == 16 else scaled.zero_point
    lo, hi = (low if scaled.lo == -128 else scaled.lo), (high if scaled.hi == 127 else scaled.hi)
    op = replace(case.op, requantize=replace(scaled, zero_point=zero_point, lo=lo, hi=hi))
    return Case(op, case.buffers | {"y": replace(case.buffers["y"], bits=bits)})


def packed_layer(make: Callable[[np.random.Generator], Case], rng: np.random.Generator) -> Case:
    """An operator with weights over int4 of which operand or result, or both, lie two to a byte."""
    operands, results = ((True, True), (True, False), (False, True))[rng.integers(3)]
    case = make(rng)
    while not _in_whole_bytes(case.op, operands, results):
        case = make(rng)
    bits = int(rng.choice([8, 4, 2]))
    half = 1 << (bits - 1)
    weight = case.op.weight if bits == 8 else rng.integers(-half, half, case.op.weight.shape).astype(np.int8)
    bias = rng.integers(-1000, 1000, len(weight)).astype(np.int32)
    reach = 4 * np.sqrt((weight.astype(np.int64) ** 2).reshape(len(weight), -1).sum(axis=1).mean()) + 500
    lo, hi = ((-8, 7), (-8, 5), (-3, 7), (-6, 6))[rng.integers(4)]
    multiplier = rng.uniform(1, 8, len(case.op.requantize.multiplier)) * (1 << 31) / reach
    scaled = replace(
        case.op.requantize, multiplier=multiplier.clip(0, (1 << 29)).astype(np.int32), left=0, lo=lo, hi=hi,
        zero_point=int(rng.integers(-8, 8)), negative=None,
    )  # fmt: skip
    zero = {"x_zero_point": int(rng.integers(-8, 8))} if isinstance(case.op, Conv2D) else {}
    op = replace(case.op, weight=weight, weight_bits=bits, bias=bias, requantize=scaled, **zero)
    return Case(op, nibbles(case.buffers, operands, results))


def nibbles(buffers: Mapping[str, Buffer], operands: bool, results: bool) -> dict[str, Buffer]:
    """The buffers for int4, those of operands or of results packed."""
    forms = {name: results if name == "y" else operands for name in buffers}
    return {name: replace(b, bits=4, packed=forms[name]) for name, b in buffers.items()}


def packed_pool(make: Callable[[np.random.Generator], Case], rng: np.random.Generator) -> Case:
    """Pooling of packed int4."""
    case = make(rng)
    while case.op.x_shape[3] % 2 or case.op.x_shape[3] < 8:
        case = make(rng)
    if isinstance(case.op, MaxPool):
        lo, hi = ((-8, 7), (-8, 3), (-5, 7), (2, 2))[rng.integers(4)]
        return Case(replace(case.op, lo=lo, hi=hi), nibbles(case.buffers, True, True))
    taps = case.op.kernel[0] * case.op.kernel[1]
    multiplier = (rng.uniform(0.5, 1, len(case.op.requantize.multiplier)) * (1 << 30) / taps).astype(np.int32)
    zero_points = rng.integers(-8, 8, 2).tolist()
    scaled = replace(case.op.requantize, multiplier=multiplier, left=1, zero_point=zero_points[0], lo=-8, hi=7)
    op = replace(case.op, x_zero_point=zero_points[1], requantize=scaled)
    return Case(op, nibbles(case.buffers, True, bool(rng.integers(2))))


def packed_addition(rng: np.random.Generator) -> Case:
    """Of packed int4."""
    size = 2 * int(rng.integers(1, 40))
    view, m = View((size,), (1,)), rng.integers(-(1 << 20), 1 << 20, 2)
    lo, hi = ((-8, 7), (-8, 5), (-3, 7))[rng.integers(3)]
    op = Add("add", "y", "x1", "x2", view, view, int(m[0]), int(m[1]), int(rng.integers(1 << 20)), 20, lo, hi)
    return Case(op, nibbles({name: Buffer(name, (size,)) for name in ("x1", "x2", "y")}, True, True))


def _in_whole_bytes(op: Op, operands: bool, results: bool) -> bool:
    """Whether packed operands or results of a layer have no byte with elements of two pixels."""
    inputs = op.weight.shape[1] if isinstance(op, Dense) else op.x_shape[3]
    even = (inputs % 2 == 0 or not operands) and (len(op.weight) % 2 == 0 or not results)
    return even and (isinstance(op, Dense) or not op.depthwise or inputs >= 8)
