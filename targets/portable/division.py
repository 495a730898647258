"""Exact unsigned division where the target has no instruction for it."""

from __future__ import annotations

from tvm.script import tirx as T


@T.inline
def restoring_division(dividend, divisor, quotient):
    """quotient[0] = dividend / divisor, rounded down, for 0 <= dividend < 2^31 and 0 < divisor < 2^31.

    One bit of the quotient in each step, by comparing and subtracting (Knuth, TAOCP 2, sec. 4.3.1, in base two).
    """
    remainder = T.alloc_buffer((1,), "uint32", scope="local")
    quotient[0] = 0
    remainder[0] = T.uint32(0)
    for bit in T.serial(31):
        next_bit: T.let[T.int32] = T.bitwise_and(T.shift_right(dividend, 30 - bit), 1)
        remainder[0] = remainder[0] * T.uint32(2) + T.Cast("uint32", next_bit)
        quotient[0] = quotient[0] * 2
        if remainder[0] >= T.Cast("uint32", divisor):
            remainder[0] -= T.Cast("uint32", divisor)
            quotient[0] += 1
