"""The integer program: buffers, and the kernel calls that read and write them in order.

One program serves every target. Nothing that it computes with is floating point; `scale` on a `Port` only tells
the user how to read the integers at the interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from edgeq.program.ops import Op

PortMemory = Literal["arena", "caller"]


@dataclass(frozen=True, eq=False)
class Buffer:
    """A dense tensor in row-major *physical* order (NHWC for images).

    Attributes:
        name: Unique in the program, an identifier (`b12`), never text of the model.
        shape: Physical shape, batch included.
        bits: Width of an element: 4, 8 or 16. Four-bit elements are stored one per byte.
        data: The values, if the buffer is a constant; `shape`, int8 or int16.
        tensor: Name of the quantized ONNX tensor that this buffer holds, if it holds exactly one.
        base: Name of the buffer that this one is a part of; None where it has memory of its own.
        offset: Where in `base` it begins, in elements.
        packed: Four-bit elements are stored two per byte, the first one in its low bits.
    """

    name: str
    shape: tuple[int, ...]
    bits: int = 8
    data: np.ndarray | None = None
    tensor: str | None = None
    base: str | None = None
    offset: int = 0
    packed: bool = False

    @property
    def itemsize(self) -> int:
        """Bytes of an element in memory."""
        return 2 if self.bits == 16 else 1

    @property
    def dtype(self) -> str:
        """Element type in memory: `int8` or `int16`."""
        return "int16" if self.bits == 16 else "int8"

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return -(-self.size // 2) if self.packed else self.size * self.itemsize

    @property
    def units(self) -> int:
        """Elements of `dtype` in memory."""
        return self.nbytes // self.itemsize

    def stored(self, elements: np.ndarray) -> np.ndarray:
        """Elements (samples, *shape) as they lie in memory; where they are packed, (samples, bytes)."""
        if not self.packed:
            return elements
        flat = elements.reshape(len(elements), -1)
        pairs = np.pad(flat, ((0, 0), (0, flat.shape[1] % 2))).astype(np.uint8).reshape(len(flat), -1, 2)
        return ((pairs[..., 0] & 15) | (pairs[..., 1] << 4)).view(np.int8)


@dataclass(frozen=True)
class Port:
    """An input or output of the program.

    Attributes:
        name: The user's ONNX name.
        buffer: Name of the buffer.
        shape: Shape at the interface (as in the ONNX model, or NHWC where the user asked for it).
        scale, zero_point: real = scale * (integer - zero_point).
        unsigned: The interface shows uint8; the program adds -128 on the way in, +128 on the way out.
        order: For each axis at the interface, the axis of the ONNX model that it is; empty where they are the same.
    """

    name: str
    buffer: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    unsigned: bool = False
    order: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Program:
    """A straight-line integer program.

    Attributes:
        io: Where inputs and outputs lie: in the arena, where other buffers use the memory of an input after its last
            reader and that of an output before its first writer, or wherever the caller keeps them.
    """

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    buffers: tuple[Buffer, ...]
    ops: tuple[Op, ...]
    io: PortMemory = "arena"

    @cached_property
    def buffer(self) -> dict[str, Buffer]:
        """Buffers by name."""
        return {b.name: b for b in self.buffers}

    def memory(self, name: str) -> str:
        """The buffer in whose memory this one lies: itself, or the one that it is a part of."""
        return self.buffer[name].base or name

    @property
    def macs(self) -> int:
        """Multiply-accumulates per inference."""
        return sum(op.macs for op in self.ops)

    @cached_property
    def last_writer(self) -> dict[str, int]:
        """Index of the last op that writes each buffer (a concatenation writes its buffer piece by piece)."""
        return {name: i for i, op in enumerate(self.ops) for name in op.writes}
