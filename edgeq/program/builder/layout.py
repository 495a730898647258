"""Where the elements of an ONNX value lie in a buffer, and how loops reach them.

Each quantized ONNX value carries an *index map*: an integer array of the value's logical shape that holds, for every
logical element, its offset in a buffer. Transpose, Reshape, Slice, Split and nearest Resize only rearrange the map;
data move only where a kernel needs a dense order that the map is not in, and then by one strided copy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq.program.ops import View
from edgeq.quant.qparams import QuantParams


@dataclass(frozen=True, eq=False)
class Value:
    """A quantized ONNX value: a buffer, where its elements lie there, and how to read the integers.

    Attributes:
        buffer: Name of the program buffer.
        index: Offsets in the buffer, of the value's logical shape.
        params: Scale, zero point and width.
        constant: True if the buffer is a constant.
    """

    buffer: str
    index: np.ndarray
    params: QuantParams
    constant: bool = False

    def at(self, index: np.ndarray) -> Value:
        """The same integers, seen through another index map."""
        return replace(self, index=index)

    def read(self, array: np.ndarray) -> np.ndarray:
        """The value's elements in logical order, (samples, *logical shape), from its buffer's (samples, ...)."""
        return array.reshape(len(array), -1)[:, self.index]


def dense(shape: tuple[int, ...]) -> np.ndarray:
    """The index map of a dense row-major buffer."""
    return np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)


def channels_last(rank: int) -> tuple[int, ...]:
    """The physical order of logical axes: N, spatial..., C where there are spatial axes, else as they are."""
    return (0, *range(2, rank), 1) if rank >= 3 else tuple(range(rank))


def is_dense(index: np.ndarray, size: int) -> bool:
    """True if the map, read in row-major order, walks the whole buffer of `size` elements from its start."""
    flat = index.ravel()
    return flat.size == size and bool((flat == np.arange(size)).all())


def is_permutation(index: np.ndarray, size: int) -> bool:
    """True if the map names every element of the buffer exactly once."""
    return index.size == size and bool((np.sort(index, axis=None) == np.arange(size)).all())


def joint_views(*sequences: np.ndarray) -> tuple[View, ...] | None:
    """Loops that walk several offset sequences of equal length at once.

    Factors the sequences into the fewest nested loops with constant strides: the innermost run of equal steps is one
    loop, the sequence of run starts is factored the same way.

    Returns:
        One view per sequence, all of the same sizes; None where the sequences are not strided.
    """
    walk = np.stack([np.asarray(s).ravel() for s in sequences], axis=1)
    start = walk[0]
    sizes: list[int] = []
    strides: list[np.ndarray] = []
    while len(walk) > 1:
        steps = np.diff(walk, axis=0)
        breaks = np.flatnonzero((steps != steps[0]).any(axis=1))
        run = int(breaks[0]) + 1 if breaks.size else len(walk)
        if len(walk) % run:
            return None
        runs = walk.reshape(-1, run, walk.shape[1])
        if (np.diff(runs, axis=1) != steps[0]).any():
            return None
        sizes.insert(0, run)
        strides.insert(0, steps[0])
        walk = runs[:, 0]
    return tuple(
        View(tuple(sizes) or (1,), tuple(int(s[k]) for s in strides) or (1,), int(start[k]))
        for k in range(len(sequences))
    )
