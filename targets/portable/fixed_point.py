"""The arithmetic contract (docs/NUMERICS.md) as TIR expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tvm.script import tirx as T
from tvm.script.ir_builder import IRBuilder

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, Var

    from edgeq.program.ops import Requantize
    from edgeq.targets.target import Target

MultiplyHigh = Callable[["Expr", "Expr"], "Expr"]


def bind(name: str, value: Expr) -> Var:
    """Gives `value` a name in the kernel that is being written."""
    variable = T.bind(value)
    IRBuilder.name(name, variable)
    return variable


def local(name: str, elements: int, dtype: str = "int32") -> Buffer:
    """Memory of the kernel that is being written: registers, where LLVM knows its indices."""
    buffer = T.alloc_buffer((elements,), dtype, scope="local")
    IRBuilder.name(name, buffer)
    return buffer


def int32(value: Expr) -> Expr:
    """`value` as int32."""
    return T.Cast("int32", value)


def int64(value: Expr) -> Expr:
    """`value` as int64."""
    return T.Cast("int64", value)


def multiply_long(a: Expr, m: Expr) -> Expr:
    """(a * m + 2^30) >> 31 with a 32 x 32 -> 64 bit multiplication; |m| < 2^30."""
    return int32(T.shift_right(int64(a) * int64(m) + T.int64(1 << 30), T.int64(31)))


def multiply_by_halves(a: Expr, m: Expr) -> Expr:
    """The same integers as `multiply_long` out of four 16 x 16 bit products, all within 32 bits.

    With a = ah 2^16 + al and m = mh 2^16 + ml (al, ml unsigned), floors nest, so that

        (a m + 2^30) >> 31 = 2 ah mh + ((ah ml + al mh + (al ml >> 16) + 2^14) >> 15).

    |ah ml| < 2^31 may leave no room for the other terms: its own upper bits are taken out before the sum.
    """
    ah, al = bind("a_high", T.shift_right(a, 16)), bind("a_low", T.bitwise_and(a, 0xFFFF))
    mh, ml = bind("m_high", T.shift_right(m, 16)), bind("m_low", T.bitwise_and(m, 0xFFFF))
    low = bind("low", int32(T.shift_right(T.Cast("uint32", al) * T.Cast("uint32", ml), T.uint32(16))))
    middle = bind("middle", ah * ml)
    carried = T.shift_right(T.bitwise_and(middle, 0x7FFF) + al * mh + low + (1 << 14), 15)
    return ah * mh * 2 + T.shift_right(middle, 15) + carried


def multiply_high(target: Target) -> MultiplyHigh:
    """The form of (a * m + 2^30) >> 31 that `target` computes without a library call."""
    return multiply_long if "long-multiply" in target.features else multiply_by_halves


def accumulator(requantize: Requantize) -> str:
    """Type in which an operator sums: int64 where the contract widens (a rounding pre-shift), else int32."""
    return "int64" if requantize.right else "int32"


def pre_shift(acc: Expr, requantize: Requantize) -> Expr:
    """The accumulator as the int32 operand of the multiplication."""
    if requantize.right:
        half = T.int64(1 << (requantize.right - 1))
        return int32(T.shift_right(acc + half, T.int64(requantize.right)))
    # A product, not a shift: shifting a negative number left is undefined in C.
    return acc * (1 << requantize.left) if requantize.left else acc


def clamp(value: Expr, lo: int, hi: int, dtype: str) -> Expr:
    """int32 `value` limited to lo..hi, as `dtype`."""
    return T.Cast(dtype, T.max(T.min(value, hi), lo))


class Requantizer:
    """Requantization of one operator: the accumulator in, the output element out.

    Args:
        requantize: Constants of the operator; its clamp limits and zero point become immediate values.
        target: Decides how the multiplication is done.
        dtype: Of the output, `int8` or `int16`.
    """

    def __init__(self, requantize: Requantize, target: Target, dtype: str) -> None:
        self.requantize = requantize
        self.zero_point: Expr | int = requantize.zero_point
        self.multiply = multiply_high(target)
        self.dtype = dtype

    def __call__(self, acc: Expr, multiplier: Expr, negative: Expr | None = None) -> Expr:
        """The output for accumulator `acc`, with the multiplier for its sign."""
        a = bind("a", pre_shift(acc, self.requantize))
        m = multiplier if negative is None else bind("m", T.Select(a < 0, negative, multiplier))
        scaled = bind("scaled", self.multiply(a, m))
        return self.limit(scaled + self.zero_point)

    def limit(self, value: Expr) -> Expr:
        """int32 `value` within the operator's clamp limits, as the output's type."""
        return clamp(value, self.requantize.lo, self.requantize.hi, self.dtype)

    def scalar(self, acc: Expr) -> Expr:
        """The same, where one multiplier serves every element: an immediate value in the code."""
        negative = self.requantize.negative
        return self(
            acc,
            T.int32(int(self.requantize.multiplier[0])),
            None if negative is None else T.int32(int(negative[0])),
        )
