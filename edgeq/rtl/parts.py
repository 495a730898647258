"""The SystemVerilog parts of an engine, counted: their registers, and what their look-up tables grow with.

Each count is a number of bits, or of parts:

- `registers`: flip-flops.
- `counters`: bits of counters and addresses.
- `shifted`: bits of words that leave element by element; where there are more than four elements, twice as many.
- `queued`, `rows`, `tables`: bits of FIFOs, of rows and of words of tables that are too small for block RAM.
- `chosen`: bits of words of block RAM, as often as there are rows of it to choose from, but one.
- `port`: bits of a word of rows, each of which may be padding.
- `summed`, `added`: bits of accumulators and of adder trees.
- `requantizers`, `limits`, `additions`, `dividers`, `writers`.
"""

from __future__ import annotations

from collections import Counter
from math import gcd

from edgeq.fpga.dataflow import Stream
from edgeq.rtl.memory import Memory
from edgeq.rtl.rom import Rom, memories

Counts = Counter[str]


def address_bits(words: int) -> int:
    """Of the places 0 to words - 1."""
    return (words - 1).bit_length()


def unpack(width: int, count: int) -> Counts:
    bits = width * count
    shifted = 0 if count == 1 else bits if count <= 4 else 2 * bits
    return Counts(registers=bits + count.bit_length(), shifted=shifted)


def pack(width: int, count: int) -> Counts:
    return Counts(registers=width * count + count.bit_length())


def resize(bits: int, given: int, wanted: int) -> Counts:
    part = gcd(given, wanted)
    counts = Counts()
    if given != part:
        counts += unpack(bits * part, given // part)
    if wanted != part:
        counts += pack(bits * part, wanted // part)
    return counts


def outputs(streams: tuple[Stream, ...]) -> Counts:
    """The fork and the FIFOs."""
    counts = Counts(registers=len(streams))
    for stream in streams:
        counts += fifo(stream.word_bits, stream.depth) if stream.depth else Counts()
    return counts


def fifo(width: int, depth: int) -> Counts:
    places = 2 * address_bits(depth) + depth.bit_length()
    return Counts(registers=places + 1, counters=places) + memory(Memory(width, depth), "queued")


def memory(given: Memory, bits: str) -> Counts:
    """One that is written; small ones have a register for the word that is read."""
    if given.small:
        return Counts({"registers": given.width * (given.depth + 1), bits: given.width * given.depth})
    return Counts(chosen=given.width * (given.rows - 1))


def rom(table: Rom) -> Counts:
    """Of the columns that are alike there is one where they are logic."""
    index = address_bits(table.depth)
    counts = Counts(registers=index, counters=index)
    for stored in memories((table,)):
        if stored.small:
            counts += Counts(registers=table.columns, tables=table.columns)
        else:
            counts += Counts(chosen=table.used * (stored.rows - 1))
    return counts


def requantizer(table: Rom) -> Counts:
    return rom(table) + Counts(requantizers=1)
