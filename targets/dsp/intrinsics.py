"""Instructions of the Arm DSP extension as TIR expressions, and scheduling hints that cost no instruction.

LLVM does not form SMLAD or SXTB16 from plain loops, so kernels ask for them (Arm v7-M ARM, A4.4.3 and A4.4.4).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tvm.script import tirx as T
from tvm.target.codegen import llvm_lookup_intrinsic_id

from edgeq.lower.assembly import selected

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, Var


@cache
def _id(name: str) -> int:
    return int(llvm_lookup_intrinsic_id(name))


def smlad(a: Expr, b: Expr, acc: Expr) -> Expr:
    """acc + a.low * b.low + a.high * b.high, where low and high are the signed halves of a word; wraps."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.smlad"), a, b, acc, dtype="int32")


def sxtb16(word: Expr) -> Expr:
    """Bytes 0 and 2 of a word, each sign-extended to a half."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.sxtb16"), word, dtype="int32")


def odd_bytes(word: Expr) -> Expr:
    """Bytes 1 and 3 of a word, each sign-extended to a half: one SXTB16 with a rotation."""
    return sxtb16(T.call_llvm_pure_intrin(_id("llvm.fshr"), word, word, T.int32(8), dtype="int32"))


def add_even_bytes(acc: Expr, word: Expr) -> Expr:
    """The halves of acc plus bytes 0 and 2 of a word, sign-extended, each modulo 2^16: SXTAB16."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.sxtab16"), acc, word, dtype="int32")


def add_odd_bytes(acc: Expr, word: Expr) -> Expr:
    """The halves of acc plus bytes 1 and 3 of a word: one SXTAB16 with a rotation."""
    return add_even_bytes(acc, T.call_llvm_pure_intrin(_id("llvm.fshr"), word, word, T.int32(8), dtype="int32"))


def larger_bytes(a: Expr, b: Expr) -> Expr:
    """The larger one of each two signed bytes of words: SSUB8 and SEL."""
    return selected("ssub8", a, b)


def larger_halves(a: Expr, b: Expr) -> Expr:
    """The larger one of each two signed halves of words: SSUB16 and SEL."""
    return selected("ssub16", a, b)


def wrapping_difference(a: Expr, b: Expr) -> Expr:
    """int32 a - b modulo 2^32; the difference of signed numbers must not overflow, neither in LLVM nor in C."""
    return T.Cast("int32", T.Cast("uint32", a) - T.Cast("uint32", b))


def subtract_halves(a: Expr, b: Expr) -> Expr:
    """The halves of a less those of b, each modulo 2^16."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.ssub16"), a, b, dtype="int32")


def saturate(value: Expr, bits: int) -> Expr:
    """int32 `value` limited to the range of a signed number of `bits` bits."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.ssat"), value, T.int32(bits), dtype="int32")


def load_word(buffer: Buffer, index: Expr) -> Expr:
    """Four neighbouring int8 elements, or two of int16, at any address as one word, the first in its lowest bits.

    Some summand of `index` has to be a loop's variable: without one TVM makes loads of single elements of it.
    """
    return T.reinterpret("int32", buffer[T.Ramp(index, 1, 32 // buffer.dtype.bits)])


def store_word(buffer: Buffer, index: Expr, word: Expr) -> None:
    """Stores a word as neighbouring elements of one or two bytes, the lowest one first, at any address."""
    lanes = 32 // buffer.dtype.bits
    T.buffer_store(buffer, T.reinterpret(f"{buffer.dtype}x{lanes}", word), [T.Ramp(index, 1, lanes)])


def pin(value: Expr) -> None:
    """Ends the scheduler's freedom here: what `value` needs is computed before what follows is begun."""
    T.evaluate(fake_use(value))


def forget(pointer: Var) -> None:
    """Counts as writing to the memory at `pointer`, so that loads are not kept in registers across it."""
    T.evaluate(clobber(pointer))


def fake_use(value: Expr) -> Expr:
    """Nothing, once `value` is known."""
    return T.call_llvm_intrin(_id("llvm.fake.use"), value, dtype="void")


def clobber(pointer: Var) -> Expr:
    """Nothing, which LLVM takes as writing to the memory at `pointer`."""
    return T.call_llvm_intrin(_id("llvm.va_end"), pointer, dtype="void")


def smla_bottom_top(a: Expr, b: Expr, acc: Expr) -> Expr:
    """acc + a.low * b.high; wraps."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.smlabt"), a, b, acc, dtype="int32")


def smla_top_bottom(a: Expr, b: Expr, acc: Expr) -> Expr:
    """acc + a.high * b.low; wraps."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.smlatb"), a, b, acc, dtype="int32")


def signed_field(word: Expr, right: int, bits: int) -> Expr:
    """`bits` bits of a word, the lowest of them number `right`, as a signed number: SBFX."""
    sign = 1 << (bits - 1)
    return T.bitwise_xor(T.bitwise_and(T.shift_right(word, right), 2 * sign - 1), sign) - sign


def pack_halves(low: Expr, high: Expr) -> Expr:
    """A word of the low halves of two words: PKHBT."""
    return T.bitwise_or(T.bitwise_and(low, 0xFFFF), T.shift_left(high, T.int32(16)))
