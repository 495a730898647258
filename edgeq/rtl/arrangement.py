"""The engine of everything that only places elements: transposes, slices, concatenations, paddings, resizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeq.fpga.cost import REQUANTIZER_DSP
from edgeq.fpga.dataflow import Stage, Stream
from edgeq.program.ops import Copy, Fill, Op
from edgeq.program.program import Program
from edgeq.program.semantics import execute
from edgeq.rtl.memory import Memory
from edgeq.rtl.requantizer import Parameters, multipliers, requantizer
from edgeq.rtl.rom import Rom, rom
from edgeq.rtl.walk import Walk, walk


@dataclass(frozen=True, eq=False)
class Writer:
    """One copy out of a stream."""

    op: Copy
    stream: Stream
    out_bits: int
    rom_name: str

    @cached_property
    def walk(self) -> Walk:
        return walk(self.op, self.stream.buffer.size)

    @property
    def part(self) -> Parameters:
        way = self.walk
        loops: Parameters = {"AXES": len(way.axes), "SIZES": way.sizes, "ADVANCES": way.advances, "STEPS": way.steps}
        return {**loops, "X_START": way.x_start, "Y_START": way.y_start, "TAIL": way.tail}

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        """The multiplier, where the scale changes."""
        rq = self.op.requantize
        return () if rq is None else (multipliers(self.rom_name, rq),)

    @property
    def finish(self) -> Parameters | None:
        rq = self.op.requantize
        return None if rq is None else {"BITS": self.out_bits, **requantizer(rq, self.roms[0])}


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A tensor in memory that copies write, one after the other, before it leaves as a whole.

    There are two of them, and one leaves while the other is written: readers that take all the time that there is have
    something to read at any time.
    """

    stage: Stage
    program: Program
    template = "arrange.sv.j2"

    @property
    def size(self) -> int:
        return self.stage.outputs[0].buffer.size

    @property
    def address_bits(self) -> int:
        return max((self.size - 1).bit_length(), 1)

    @cached_property
    def writers(self) -> tuple[Writer, ...]:
        stage, streams = self.stage, {stream.buffer.name: stream for stream in self.stage.inputs}
        bits = stage.outputs[0].element_bits
        moving = [op for op in stage.ops if isinstance(op, Copy) and op.x in streams]
        return tuple(Writer(op, streams[op.x], bits, f"{stage.symbol}_{i}") for i, op in enumerate(moving))

    @cached_property
    def _initial(self) -> tuple[Rom, ...]:
        """What fills and copies of constants leave: nothing else ever writes there, so it lies there from the start."""
        streams = {stream.buffer.name for stream in self.stage.inputs}
        fixed = [op for op in self.stage.ops if not streams.intersection(op.reads)]
        if not fixed:
            return ()
        y = self.stage.outputs[0]
        memory = {b.name: b.data[None] for b in self.program.buffers if b.data is not None}
        memory[y.buffer.name] = np.zeros((1, *y.buffer.shape), y.buffer.dtype)
        for op in fixed:
            execute(op, memory)
        both = np.tile(memory[y.buffer.name], (2, *[1] * len(y.buffer.shape)))
        return (rom(f"{self.stage.symbol}_initial", both, y.element_bits, 1),)

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self._initial + tuple(table for writer in self.writers for table in writer.roms)

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The two tensors; their initial content is the same memory, and multipliers are constants."""
        return (Memory(self.stage.outputs[0].element_bits, 2 * self.size),)

    @property
    def dsp(self) -> int:
        return sum(REQUANTIZER_DSP for writer in self.writers if writer.finish)

    @property
    def cycles(self) -> int:
        """One tensor is written while another one leaves."""
        return max(self._written, self.size)

    @property
    def latency(self) -> int:
        """A tensor is written, and then it leaves."""
        return self._written + self.size

    @property
    def _written(self) -> int:
        """Cycles that writing a tensor takes."""
        return sum(writer.walk.cycles for writer in self.writers)

    @property
    def part(self) -> Parameters:
        content: Parameters = {"FILE": self._initial[0].path} if self._initial else {}
        return {"BITS": self.stage.outputs[0].element_bits, "SIZE": self.size, **content}


def is_arrangement(ops: Sequence[Op], streams: Sequence[Stream]) -> bool:
    """Whether these operators only place elements: fills first, then copies, which read a stream once at most."""
    names = {stream.buffer.name for stream in streams}
    reads = [op.x for op in ops if isinstance(op, Copy) and op.x in names]
    copying = [isinstance(op, Copy) and _one_scale(op) for op in ops]
    placing = all(copied or isinstance(op, Fill) for copied, op in zip(copying, ops, strict=True))
    return placing and bool(reads) and len(set(reads)) == len(reads) and copying == sorted(copying)


def _one_scale(op: Copy) -> bool:
    return op.requantize is None or len(op.requantize.multiplier) == 1
