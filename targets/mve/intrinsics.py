"""Instructions of the M-profile Vector Extension as TIR expressions (Arm v8-M ARM, C2.4; ACLE, "MVE intrinsics")."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tvm import tirx
from tvm.script import tirx as T
from tvm.target.codegen import llvm_lookup_intrinsic_id

from edgeq.targets.dsp.intrinsics import saturate

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

BYTES = 16
"""Of a vector."""

WORDS = 4
"""Of a vector."""

_SIGNED = 0
_NO_SUBTRACT = 0
_NO_EXCHANGE = 0
_BOTTOM, _TOP = 0, 1
_UNSCALED = 0


@cache
def _id(name: str) -> int:
    return int(llvm_lookup_intrinsic_id(name))


def vmladava(acc: Expr, a: Expr, b: Expr) -> Expr:
    """acc + sum a[i] * b[i] over int8x16 vectors, as int32; wraps."""
    flags = (T.int32(flag) for flag in (_SIGNED, _NO_SUBTRACT, _NO_EXCHANGE))
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vmldava"), *flags, acc, a, b, dtype="int32")


def vqrdmulh(a: Expr, m: Expr) -> Expr:
    """(a * m + 2^30) >> 31 in each lane of int32x4: the contract's very rounding (it saturates only -2^31 * -2^31)."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vqrdmulh"), a, m, dtype="int32x4")


def narrowed(even: Expr, odd: Expr) -> Expr:
    """int16x8 of the lanes of two int32x4 vectors by turns, limited to int16."""
    halves = T.reinterpret("int16x8", even)
    for value, place in ((even, _BOTTOM), (odd, _TOP)):
        halves = _vqmovn(halves, value, place, "int16x8")
    return halves


def saturated(value: Expr) -> Expr:
    """int32x4 whose low bytes are those of int32x4 `value` limited to int8; what the other bytes are is not said."""
    halves = _vqmovn(T.reinterpret("int16x8", value), value, _BOTTOM, "int16x8")
    return T.reinterpret("int32x4", saturated_halves(halves))


def saturated_halves(value: Expr) -> Expr:
    """int16x8 whose low bytes are those of int16x8 `value` limited to int8; what the other bytes are is not said."""
    low = _vqmovn(T.reinterpret("int8x16", value), value, _BOTTOM, "int8x16")
    return T.reinterpret("int16x8", low)


def _vqmovn(into: Expr, value: Expr, place: int, dtype: str) -> Expr:
    """Lanes of `value`, limited to half their width, in the bottom or top halves of those of `into`."""
    flags = (T.int32(flag) for flag in (_SIGNED, _SIGNED, place))
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vqmovn"), into, value, *flags, dtype=dtype)


def add_saturated(value: Expr, constant: int) -> Expr:
    """int16x8 `value` + constant, limited to int16."""
    addend = T.Broadcast(T.int16(constant), 2 * WORDS)
    return T.call_llvm_pure_intrin(_id("llvm.sadd.sat"), value, addend, dtype="int16x8")


def four(values: list[Expr]) -> Expr:
    """int32x4 of four int32 values."""
    return tirx.Shuffle(values, [T.int32(i) for i in range(WORDS)])


def first_bytes(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 16 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp8"), count, dtype="boolx16")


def opaque(value: Expr) -> Expr:
    """int32 `value` as the result of an instruction that LLVM knows nothing of, which leaves it as it is.

    `edgeq.lower.assembly.opaque` needs no instruction, but keeps LLVM from making low-overhead loops.
    """
    return saturate(value, 32)


def first_words(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 4 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp32"), count, dtype="boolx4")


def load_bytes(buffer: Buffer, index: Expr, predicate: Expr | None = None, other: int = 0) -> Expr:
    """Sixteen neighbouring int8 elements at any address; `other` where `predicate` is false, without reading there."""
    if predicate is None:
        return buffer[T.Ramp(index, 1, BYTES)]
    others = T.Broadcast(T.int8(other), BYTES)
    pointer = T.address_of(buffer[index])
    return T.call_llvm_intrin(_id("llvm.masked.load"), pointer, predicate, others, dtype="int8x16")


def store(buffer: Buffer, index: Expr, value: Expr, predicate: Expr) -> None:
    """Stores the lanes of `value` for which `predicate` holds."""
    pointer = T.address_of(buffer[index])
    T.evaluate(T.call_llvm_intrin(_id("llvm.masked.store"), value, pointer, predicate, dtype="void"))


def interleave(buffer: Buffer, index: Expr, rows: list[Expr]) -> None:
    """Stores four int8x16 vectors as r0[0], r1[0], r2[0], r3[0], r0[1], ... at buffer[index] (VST4)."""
    pointer = T.address_of(buffer[index])
    for stage in range(WORDS):
        T.evaluate(T.call_llvm_intrin(_id("llvm.arm.mve.vst4q"), pointer, *rows, T.int32(stage), dtype="void"))


def gather_words(buffer: Buffer, index: Expr, offsets: Expr) -> Expr:
    """int32x4 of the words that lie `offsets` bytes behind buffer[index]."""
    pointer, flags = T.address_of(buffer[index]), (32, _UNSCALED, _SIGNED)
    name = "llvm.arm.mve.vldr.gather.offset"
    return T.call_llvm_intrin(_id(name), pointer, offsets, *map(T.int32, flags), dtype="int32x4")


def scatter_bytes(buffer: Buffer, index: Expr, offsets: Expr, value: Expr) -> None:
    """Stores the low byte of each lane of int32x4 `value` `offsets` bytes behind buffer[index]."""
    pointer = T.address_of(buffer[index])
    name = "llvm.arm.mve.vstr.scatter.offset"
    T.evaluate(T.call_llvm_intrin(_id(name), pointer, offsets, value, T.int32(8), T.int32(_UNSCALED), dtype="void"))
