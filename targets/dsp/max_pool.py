"""Maximum pooling over NHWC, four channels at a time: SSUB8 and SEL for each tap."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.generated import Generated, Reads, Writes
from edgeq.program.planner import row_distance
from edgeq.targets.dsp.intrinsics import larger_bytes, load_word, store_word
from edgeq.targets.dsp.pool import LANES, Taps, in_packed_words, is_in_words
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import MaxPool
    from edgeq.program.program import Program
    from edgeq.targets.dsp.pool import Visit
    from edgeq.targets.target import Target


def of_each_byte(value: int) -> Expr:
    """A word of four times an int8."""
    return T.int32(int.from_bytes([value & 0xFF] * LANES, "little", signed=True))


def limited(op: MaxPool, bits: int, word: Expr) -> Expr:
    """The bytes of a word within the operator's limits: those that elements of `bits` bits can leave."""
    if op.lo > -(1 << (bits - 1)):
        word = larger_bytes(word, of_each_byte(op.lo))
    if op.hi < (1 << (bits - 1)) - 1:
        # min(x, hi) = ~max(~x, ~hi), byte by byte.
        word = T.bitwise_xor(larger_bytes(T.bitwise_xor(word, -1), of_each_byte(~op.hi)), -1)
    return word


def is_packed_max_pool(op: MaxPool, program: Program) -> bool:
    """True for the pooling of packed elements into packed ones that this kernel does."""
    return in_packed_words(is_in_words)(op, program) and program.buffer[op.y].packed


def max_pool(op: MaxPool, program: Program, target: Target) -> Generated:
    """Maximum of the window's valid elements; the last word of channels ends with the pixel.

    Packed elements are compared as the upper halves of bytes, those of a byte in two words.
    """
    x_buffer = program.buffer[op.x]
    shares = 2 if x_buffer.packed else 1
    shape, bits = [(*s[:3], s[3] // shares) for s in (op.x_shape, op.y_shape)], x_buffer.bits
    taps, lowest = Taps(replace(op, x_shape=shape[0], y_shape=shape[1])), of_each_byte(-128)
    (n, ih, iw, c), (_, oh, ow, _) = shape

    def compare(x: Buffer, largest: Buffer) -> Visit:
        def visit(at: Expr) -> None:
            word = load_word(x, at)
            for i, part in enumerate(parts(bind("word", word)) if shares == 2 else [word]):
                T.buffer_store(largest, larger_bytes(largest[i], part), [i])

        return visit

    def result(largest: Buffer) -> Expr:
        if shares == 1:
            return limited(op, bits, largest[0])
        scaled = replace(op, lo=op.lo * 16, hi=op.hi * 16 + 15)
        low, high = (limited(scaled, 8, largest[i]) for i in range(2))
        low = T.bitwise_and(T.shift_right(low, 4), of_each_byte(15))
        return T.bitwise_or(low, T.bitwise_and(high, of_each_byte(-16)))

    @T.prim_func(private=True)
    def kernel(x_ptr: T.handle("int8"), y_ptr: T.handle("int8")):
        T.func_attr({"tirx.noalias": False})
        x = T.decl_buffer((n * ih * iw * c,), "int8", data=x_ptr)
        y = T.decl_buffer((n * oh * ow * c,), "int8", data=y_ptr)
        largest = T.alloc_buffer((shares,), "int32", scope="local")
        for b, oy, ox, group in T.grid(n, oh, ow, -(-c // LANES)):
            channel: T.let[T.int32] = T.min(group * LANES, c - LANES)
            for i in range(shares):
                largest[i] = lowest
            taps.emit(b, oy, ox, channel, compare(x, largest))
            store_word(y, ((b * oh + oy) * ow + ox) * c + channel, result(largest))

    return Generated(kernel, (Reads(op.x), Writes(op.y)), row_distance(op, program, buffered=False))


def parts(word: Expr) -> list[Expr]:
    """Bytes whose upper halves are a word's packed elements, the first ones of each byte and the second ones."""
    upper = of_each_byte(-16)
    return [T.bitwise_and(T.shift_left(word, T.int32(4)), upper), T.bitwise_and(word, upper)]
