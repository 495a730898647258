"""Image rows with their padding, in a ring: what the windows of a convolution read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tvm.script import tirx as T

from edgeq.targets.dsp.intrinsics import forget
from edgeq.targets.mve.intrinsics import BYTES, first_bytes, load_bytes, opaque, store
from edgeq.targets.portable.fixed_point import bind

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.program.ops import Conv2D


@dataclass(frozen=True)
class Rows:
    """Geometry of the rows of a sliding window, in bytes.

    Attributes:
        op: The convolution.
        base: Index in the scratch memory at which the ring begins.
    """

    op: Conv2D
    base: int

    @property
    def kernel(self) -> int:
        """Rows of a window."""
        return int(self.op.weight.shape[1])

    @property
    def segment(self) -> int:
        """Of a window in one row."""
        _, _, kw, c = self.op.weight.shape
        return int(kw * c)

    @property
    def step(self) -> int:
        """From one output pixel's window to the next."""
        return self.op.strides[1] * self.op.x_shape[3]

    @property
    def pitch(self) -> int:
        """From one row to the next."""
        return (self.op.y_shape[2] - 1) * self.step + self.segment

    @property
    def size(self) -> int:
        """Of the ring; whole vectors may be read at its end."""
        return -(-self.kernel * self.pitch // BYTES) * BYTES + BYTES

    @property
    def before(self) -> int:
        """Padding at the beginning of a row."""
        return self.op.pads[1] * self.op.x_shape[3]

    @property
    def body(self) -> int:
        """Image in a row: columns that some window covers."""
        return min(self.op.x_shape[2] * self.op.x_shape[3], self.pitch - self.before)

    def clear(self, ring: Buffer) -> None:
        """Fills the ring with padding; the borders of its rows are not written again."""
        with T.serial(self.size // BYTES) as i:
            T.buffer_store(ring, self._padding(), [T.Ramp(self.base + i * BYTES, 1, BYTES)])

    def shift(self, ring: Buffer) -> None:
        """Moves up the rows that the next output row still needs."""
        rows = self.op.strides[0]
        if rows < self.kernel:
            copy(ring, self.base, ring, self.base + rows * self.pitch, (self.kernel - rows) * self.pitch)

    def read(self, x: Buffer, source: Expr, ring: Buffer, slot: Expr) -> None:
        """Copies the image row that begins at x[source] into row `slot` of the ring."""
        copy(ring, self.base + slot * self.pitch + self.before, x, source, self.body)

    def outside(self, ring: Buffer, slot: Expr) -> None:
        """Makes row `slot` of the ring one that lies outside the image."""
        at = bind("at", self.base + slot * self.pitch + self.before)
        whole, part = divmod(self.body, BYTES)
        with T.serial(whole) as i:
            T.buffer_store(ring, self._padding(), [T.Ramp(at + i * BYTES, 1, BYTES)])
            forget(ring.data)
        if part:
            store(ring, at + whole * BYTES, self._padding(), first_bytes(part))

    def _padding(self) -> Expr:
        return T.Broadcast(T.int8(self.op.x_zero_point), BYTES)


def copy(y: Buffer, to: Expr | int, x: Buffer, source: Expr | int, count: int) -> None:
    """Copies `count` bytes upwards; y may be x, if `to` lies before `source`."""
    whole, part = divmod(count, BYTES)
    unroll = max(u for u in (1, 2, 4) if whole % u == 0)
    with T.serial(opaque(T.int32(whole // unroll))) as i:
        for j in range(unroll):
            at = (i * unroll + j) * BYTES
            T.buffer_store(y, load_bytes(x, source + at), [T.Ramp(to + at, 1, BYTES)])
        forget(y.data)
    if part:
        predicate = first_bytes(part)
        store(y, to + whole * BYTES, load_bytes(x, source + whole * BYTES, predicate), predicate)


@dataclass(frozen=True)
class Patches:
    """Windows put together from their rows, where rows of their own would fill vectors badly.

    Attributes:
        rows: Where they come from.
    """

    rows: Rows

    @property
    def base(self) -> int:
        """Index in the scratch memory at which they begin."""
        return self.rows.base + self.rows.size

    @property
    def length(self) -> int:
        """Bytes of a window."""
        return self.rows.kernel * self.rows.segment

    @property
    def pitch(self) -> int:
        """From one patch to the next: whole vectors."""
        return -(-self.length // BYTES) * BYTES

    @property
    def save(self) -> bool:
        """Whether patches make fewer vectors of a window."""
        return self.pitch < self.rows.kernel * -(-self.rows.segment // BYTES) * BYTES

    def end(self, pixels: int) -> int:
        """Index in the scratch memory behind `pixels` patches; the last of a patch's stores may reach beyond it."""
        return self.base + (pixels * self.pitch + BYTES if self.save else 0)

    def gather(self, scratch: Buffer, first: Expr, pixels: int) -> None:
        """Copies the windows of neighbouring pixels; what a store writes too much, the next one overwrites."""
        segment = self.rows.segment
        for pixel in range(pixels):
            with T.serial(self.rows.kernel) as row, T.serial(-(-segment // BYTES)) as i:
                source = first + pixel * self.rows.step + row * self.rows.pitch + i * BYTES
                to = self.base + pixel * self.pitch + row * segment + i * BYTES
                T.buffer_store(scratch, load_bytes(scratch, source), [T.Ramp(to, 1, BYTES)])


def window_order(weight: np.ndarray, *, patches: bool) -> np.ndarray:
    """Weights in the order in which windows are read, filled up to whole vectors with zeros: int8 (o, elements).

    Args:
        weight: (o, kh, kw, c).
        patches: Whether windows are patches, or rows of their own.
    """
    o, kh = weight.shape[:2]
    flat = weight.reshape(o, 1 if patches else kh, -1)
    return np.pad(flat, ((0, 0), (0, 0), (0, -flat.shape[2] % BYTES))).reshape(o, -1)
