"""What a rewrite takes away from a program, and where the rest then lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.program.builder.layout import joint_views
from edgeq.program.ops import Add, Copy, Mul, View
from edgeq.program.program import Buffer, Program
from edgeq.program.rewrites.bounds import Bounds
from edgeq.program.rewrites.channels import Elementwise, channel_count, operands, walk, written


@dataclass(frozen=True, eq=False)
class Cut:
    """Channels to take away from a program.

    Attributes:
        dropped: By buffer, bool (channels,), of buffers that lose some channels but not all.
        bounds: Of all buffers; tells the values of dropped constants.
    """

    program: Program
    dropped: Mapping[str, np.ndarray]
    bounds: Mapping[str, Bounds]

    def __contains__(self, name: str) -> bool:
        return name in self.dropped

    def kept(self, name: str) -> np.ndarray:
        """Channels of a buffer that stay, bool (channels,)."""
        if name in self.dropped:
            return ~self.dropped[name]
        return np.ones(channel_count(self.program.buffer[name]), bool)

    def buffer(self, buffer: Buffer) -> Buffer:
        """A buffer with its remaining channels."""
        if buffer.name not in self:
            return buffer
        kept = self.kept(buffer.name)
        data = None if buffer.data is None else np.ascontiguousarray(buffer.data[..., kept])
        return replace(buffer, shape=(*buffer.shape[:-1], int(kept.sum())), data=data, tensor=None)

    def views(self, op: Elementwise) -> tuple[View, ...] | None:
        """Loops over the remaining elements of an element-wise operator: of its operands and, of a copy, its result.

        Returns:
            No views where no element remains; None where no nested loops of constant strides reach those that do.
        """
        y = written(op, self.program.buffer[op.y])
        stays = self.kept(op.y)[y % len(self.kept(op.y))]
        sides = [(name, walk(view)) for name, view in operands(op)]
        sides += [(op.y, y)] if isinstance(op, Copy) else []
        return joint_views(*(self._moved(name, offsets[stays]) for name, offsets in sides)) if stays.any() else ()

    def _moved(self, name: str, offsets: np.ndarray) -> np.ndarray:
        """Where elements of kept channels lie in the narrowed buffer."""
        kept = self.kept(name)
        position, channel = np.divmod(offsets, len(kept))
        return position * kept.sum() + (np.cumsum(kept) - 1)[channel]


def unreachable(cut: Cut) -> set[str]:
    """Buffers of element-wise operators whose remaining elements no nested loops reach."""
    stuck = [op for op in cut.program.ops if isinstance(op, Add | Mul | Copy) and cut.views(op) is None]
    return {name for op in stuck for name in op.reads + op.writes}
