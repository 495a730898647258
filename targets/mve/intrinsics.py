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


def vqrdmulh_number(a: Expr, m: Expr) -> Expr:
    """The same with one multiplier for all lanes."""
    return vqrdmulh(a, T.Broadcast(m, WORDS))


def add_product(acc: Expr, a: Expr, number: Expr) -> Expr:
    """acc + a * number in each lane of int32x4; LLVM makes one instruction of it."""
    return acc + a * T.Broadcast(number, WORDS)


def narrowed(even: Expr, odd: Expr) -> Expr:
    """int16x8 of the lanes of two int32x4 vectors by turns, limited to int16."""
    halves = T.reinterpret("int16x8", even)
    for value, place in ((even, _BOTTOM), (odd, _TOP)):
        halves = _vqmovn(halves, value, place, "int16x8")
    return halves


def narrowed_halves(even: Expr, odd: Expr) -> Expr:
    """int8x16 of the lanes of two int16x8 vectors by turns, limited to int8."""
    low = T.reinterpret("int8x16", even)
    for value, place in ((even, _BOTTOM), (odd, _TOP)):
        low = _vqmovn(low, value, place, "int8x16")
    return low


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


def add_saturated(value: Expr, addend: Expr) -> Expr:
    """int16x8 sums, limited to int16."""
    return T.call_llvm_pure_intrin(_id("llvm.sadd.sat"), value, addend, dtype="int16x8")


def add_saturated_number(value: Expr, addend: Expr) -> Expr:
    """The same with one addend for all lanes."""
    return add_saturated(value, T.Broadcast(addend, 2 * WORDS))


def four(values: list[Expr]) -> Expr:
    """int32x4 of four int32 values."""
    return tirx.Shuffle(values, [T.int32(i) for i in range(WORDS)])


def in_order() -> None:
    """Where compilers of C are not to move what follows before what precedes; LLVM orders vectors well by itself."""
    T.evaluate(order())


def order() -> Expr:
    """Nothing."""
    return T.call_llvm_intrin(_id("llvm.donothing"), dtype="void")


def held(a: Expr, b: Expr, c: Expr, d: Expr) -> Expr:
    """int32x4 of known values that stays in a register: LLVM would load a constant at each use."""
    return four([a, b, c, d]) + T.Broadcast(opaque(T.int32(0)), WORDS)


def first_bytes(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 16 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp8"), count, dtype="boolx16")


def opaque(value: Expr) -> Expr:
    """int32 `value` as the result of an instruction that LLVM knows nothing of, which leaves it as it is.

    `edgeq.lower.assembly.opaque` needs no instruction, but keeps LLVM from making low-overhead loops.
    """
    return saturate(value, 32)


def place(index: Expr) -> Expr:
    """int32 `index` into one buffer, where C has a pointer. LLVM takes it as it is: nothing depends on the guess."""
    return T.call_llvm_pure_intrin(_id("llvm.expect"), index, T.int32(0), dtype="int32")


def first_words(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 4 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp32"), count, dtype="boolx4")


def first_halves(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 8 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp16"), count, dtype="boolx8")


def load_bytes(buffer: Buffer, index: Expr, predicate: Expr | None = None, other: int = 0) -> Expr:
    """Sixteen neighbouring int8 elements at any address; `other` where `predicate` is false, without reading there."""
    if predicate is None:
        return buffer[T.Ramp(index, 1, BYTES)]
    pointer = T.address_of(buffer[index])
    return (
        masked_load(pointer, predicate, T.Broadcast(T.int8(other), BYTES))
        if other
        else zeroing_load(pointer, predicate)
    )


def zeroing_load(pointer: Expr, predicate: Expr) -> Expr:
    """int8x16 at a pointer; 0 where `predicate` is false."""
    return masked_load(pointer, predicate, T.Broadcast(T.int8(0), BYTES))


def masked_load(pointer: Expr, predicate: Expr, others: Expr) -> Expr:
    """int8x16 at a pointer; `others` where `predicate` is false."""
    return T.call_llvm_intrin(_id("llvm.masked.load"), pointer, predicate, others, dtype="int8x16")


def store(buffer: Buffer, index: Expr, value: Expr, predicate: Expr) -> None:
    """Stores the lanes of `value` for which `predicate` holds."""
    T.evaluate(masked_store(T.address_of(buffer[index]), value, predicate))


def store_low_bytes(buffer: Buffer, index: Expr, value: Expr, predicate: Expr) -> None:
    """Stores the low bytes of those lanes of int16x8 `value` for which `predicate` holds."""
    T.evaluate(masked_low_store(T.address_of(buffer[index]), value, predicate))


def masked_store(pointer: Expr, value: Expr, predicate: Expr) -> Expr:
    """Stores lanes of `value` at a pointer."""
    return T.call_llvm_intrin(_id("llvm.masked.store"), value, pointer, predicate, dtype="void")


def masked_low_store(pointer: Expr, value: Expr, predicate: Expr) -> Expr:
    """Stores low bytes of lanes of int16x8 `value` at a pointer."""
    return masked_store(pointer, T.Cast("int8x8", value), predicate)


def interleave(buffer: Buffer, index: Expr, rows: list[Expr]) -> None:
    """Stores four int8x16 vectors as r0[0], r1[0], r2[0], r3[0], r0[1], ... at buffer[index]."""
    a, b, c, d = rows
    for stage in range(WORDS):
        T.evaluate(vst4(T.address_of(buffer[index]), a, b, c, d, T.int32(stage)))


def vst4(pointer: Expr, a: Expr, b: Expr, c: Expr, d: Expr, stage: Expr) -> Expr:
    """One of the four instructions that interleave vectors, `stage` 0 to 3: a quarter of the bytes."""
    return T.call_llvm_intrin(_id("llvm.arm.mve.vst4q"), pointer, a, b, c, d, stage, dtype="void")


def every_second(buffer: Buffer, index: Expr, first: int) -> Expr:
    """int32x4 of words `first`, `first` + 2, ... behind buffer[index]; LLVM and C load both halves at once (VLD2)."""
    return tirx.Shuffle([buffer[T.Ramp(index, 1, 2 * WORDS)]], [T.int32(i) for i in range(first, 2 * WORDS, 2)])


def gather_words(buffer: Buffer, index: Expr, offsets: Expr) -> Expr:
    """int32x4 of the words that lie `offsets` bytes behind buffer[index]."""
    return gather(T.address_of(buffer[index]), offsets)


def gather(pointer: Expr, offsets: Expr) -> Expr:
    """int32x4 of the words that lie `offsets` bytes behind a pointer."""
    flags = map(T.int32, (32, _UNSCALED, _SIGNED))
    return T.call_llvm_intrin(_id("llvm.arm.mve.vldr.gather.offset"), pointer, offsets, *flags, dtype="int32x4")


def scatter_bytes(buffer: Buffer, index: Expr, offsets: Expr, value: Expr, predicate: Expr | None = None) -> None:
    """Stores low bytes of lanes of int32x4 `value`, those for which `predicate` holds, `offsets` bytes behind
    buffer[index]."""
    pointer = T.address_of(buffer[index])
    if predicate is None:
        T.evaluate(scatter(pointer, offsets, value))
    else:
        T.evaluate(masked_scatter(pointer, offsets, value, predicate))


def scatter(pointer: Expr, offsets: Expr, value: Expr) -> Expr:
    """Stores the low byte of each lane of int32x4 `value` `offsets` bytes behind a pointer."""
    flags = map(T.int32, (8, _UNSCALED))
    return T.call_llvm_intrin(_id("llvm.arm.mve.vstr.scatter.offset"), pointer, offsets, value, *flags, dtype="void")


def masked_scatter(pointer: Expr, offsets: Expr, value: Expr, predicate: Expr) -> Expr:
    """The same of the lanes for which `predicate` holds."""
    flags = map(T.int32, (8, _UNSCALED))
    number = _id("llvm.arm.mve.vstr.scatter.offset.predicated")
    return T.call_llvm_intrin(number, pointer, offsets, value, *flags, predicate, dtype="void")
