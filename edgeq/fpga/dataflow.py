"""The integer program as a dataflow: stages that run at the same time, and the streams between them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from edgeq.fpga.stage_kind import Kind, kind_of
from edgeq.program.ops import Op
from edgeq.program.program import Buffer, Port, Program

MAX_WORD_BITS = 64
SHALLOW = 2
"""Words of a stream whose reader takes them as they come."""


@dataclass(frozen=True, eq=False)
class Stream:
    """One tensor on its way to one reader, word by word in physical order.

    Attributes:
        symbol: Name in the code.
        buffer: The program buffer that it carries.
        depth: Words that it can hold.
    """

    symbol: str
    buffer: Buffer
    depth: int

    @property
    def lanes(self) -> int:
        """Elements of a word: as many as divide the innermost axis and fit."""
        return lanes(self.buffer)

    @property
    def element_bits(self) -> int:
        return 16 if self.buffer.bits == 16 else 8

    @property
    def word_bits(self) -> int:
        return self.lanes * self.element_bits

    @property
    def element(self) -> str:
        """C++ type of an element."""
        return f"{self.buffer.dtype}_t"

    @property
    def words(self) -> int:
        """Of one inference."""
        return words(self.buffer)


@dataclass(frozen=True, eq=False)
class Stage:
    """Hardware that makes one tensor and sends it to all its readers.

    Attributes:
        symbol: Name in the code.
        ops: Those that write the tensor, in order; none for a stage that only copies an input to several readers.
        inputs, outputs: Streams read and written.
    """

    symbol: str
    ops: tuple[Op, ...]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]

    def kind(self, program: Program) -> Kind:
        """The form of hardware that it takes."""
        return kind_of(self.ops, bool(self.inputs), program)


@dataclass(frozen=True, eq=False)
class Dataflow:
    """A program as stages and streams.

    Attributes:
        stages: In topological order.
        inputs, outputs: The streams at the ports of the program, in their order.
    """

    program: Program
    stages: tuple[Stage, ...]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]

    @cached_property
    def inner(self) -> tuple[Stream, ...]:
        """The streams between stages."""
        ports = set(self.inputs + self.outputs)
        return tuple(stream for stage in self.stages for stream in stage.outputs if stream not in ports)


def lanes(buffer: Buffer) -> int:
    """Elements per word of the streams that carry a buffer."""
    most = MAX_WORD_BITS // (16 if buffer.bits == 16 else 8)
    return next(n for n in (8, 4, 2, 1) if n <= most and buffer.shape[-1] % n == 0)


def words(buffer: Buffer) -> int:
    """Words of one inference in a stream that carries a buffer."""
    return buffer.size // lanes(buffer)


def dataflow(program: Program, turns: bool = False) -> Dataflow:
    """Stages and streams of a program without dead code.

    A stage that reads several streams may take them one after the other; they hold a whole tensor, so that no writer
    ever waits for it, and the whole cannot lock up.

    Args:
        turns: Stages that take in whole tensors send what they make of one before they take in the next. What they send
            is held as a whole, too: its readers, which may take all the time that there is, have work meanwhile.
    """
    return _Builder(program, turns).build()


class _Builder:
    def __init__(self, program: Program, turns: bool) -> None:
        self.program, self.turns = program, turns
        self.writers: dict[str, list[Op]] = defaultdict(list)
        for op in program.ops:
            self.writers[op.y].append(op)
        self.order = sorted(self.writers, key=program.last_writer.__getitem__)
        self.readers = {name: self._readers(name) for name in program.buffer}
        self.streams: dict[tuple[str, str], Stream] = {}

    def build(self) -> Dataflow:
        program = self.program
        inputs = tuple(Stream(f"in{i}", self._buffer(port), 0) for i, port in enumerate(program.inputs))
        outputs = tuple(Stream(f"out{i}", self._buffer(port), 0) for i, port in enumerate(program.outputs))
        for stream, port in zip(outputs, program.outputs, strict=True):
            self.streams[port.buffer, stream.symbol] = stream
        stages = []
        for i, stream in enumerate(inputs):
            ends = self._ends(stream.buffer.name)
            if len(ends) == 1 and ends == self.readers[stream.buffer.name]:
                self.streams[stream.buffer.name, ends[0]] = stream
            else:
                stages.append(self._fork(f"fork{i}", stream))
        stages += [self._stage(f"stage{i}", name) for i, name in enumerate(self.order)]
        return Dataflow(program, tuple(stages), inputs, outputs)

    def _buffer(self, port: Port) -> Buffer:
        return self.program.buffer[port.buffer]

    def _readers(self, name: str) -> list[str]:
        """The tensors that are made from a buffer."""
        return [made for made in self.order if made != name and any(name in op.reads for op in self.writers[made])]

    def _ends(self, name: str) -> list[str]:
        """Where the streams of a buffer end: in a stage, or at a port."""
        ports = [f"out{i}" for i, port in enumerate(self.program.outputs) if port.buffer == name]
        return self.readers[name] + ports

    def _stream(self, name: str, end: str) -> Stream:
        """The stream of a buffer to one of its ends."""
        if (name, end) not in self.streams:
            buffer = self.program.buffer[name]
            depth = words(buffer) if len(self._read_by(end)) > 1 or self._comes_at_once(name) else SHALLOW
            self.streams[name, end] = Stream(f"s{len(self.streams)}", buffer, depth)
        return self.streams[name, end]

    def _comes_at_once(self, name: str) -> bool:
        if not self.turns or name not in self.writers:
            return False
        return kind_of(self.writers[name], bool(self._read_by(name)), self.program) == Kind.WHOLE

    def _read_by(self, made: str) -> list[str]:
        """The buffers that a stage gets by stream: all it reads but constants and what it makes itself."""
        reads = dict.fromkeys(name for op in self.writers[made] for name in op.reads)
        return [name for name in reads if name != made and self.program.buffer[name].data is None]

    def _stage(self, symbol: str, made: str) -> Stage:
        inputs = tuple(self._stream(name, made) for name in self._read_by(made))
        return Stage(symbol, tuple(self.writers[made]), inputs, self._outputs(made))

    def _fork(self, symbol: str, stream: Stream) -> Stage:
        return Stage(symbol, (), (stream,), self._outputs(stream.buffer.name))

    def _outputs(self, name: str) -> tuple[Stream, ...]:
        return tuple(self._stream(name, end) for end in self._ends(name))
