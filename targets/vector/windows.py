"""Windows of a convolution as pieces that are contiguous in the padded image, and the weights in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgeq.program.ops import Conv2D
    from edgeq.targets.vector.image import Image
    from edgeq.targets.vector.product import Product


@dataclass(frozen=True)
class Windows:
    """Pieces of a window, in elements.

    Attributes:
        rows, columns: Number of pieces: one a kernel row, or one a tap where taps lie apart.
        row, column: From one piece to the next.
        length: Of a piece.
        steps: Of a product over a piece; the last one may read beyond its end, where weights are zeros.
    """

    rows: int
    columns: int
    row: int
    column: int
    length: int
    steps: int


def windows_of(op: Conv2D, image: Image, product: Product) -> Windows:
    """The pieces of each window of a convolution."""
    _, kh, kw, c = op.weight.shape
    dy, dx = op.dilations
    columns, length = (1, kw * c) if dx == 1 else (kw, c)
    return Windows(kh, columns, dy * image.width * c, dx * c, length, -(-length // product.depth))


def pack(op: Conv2D, windows: Windows, product: Product, block: int) -> np.ndarray:
    """Weights in the order in which blocks of `block` channels read them: int8, one-dimensional.

    The order is (block, piece, step, vector, channel of the vector, element of the step). The last block ends with the
    last channel, so that it may hold channels of the one before. Missing channels are zeros.
    """
    o = len(op.weight)
    pieces = op.weight.reshape(o, windows.rows * windows.columns, windows.length)
    beyond = windows.steps * product.depth - windows.length
    filled = np.pad(pieces, ((0, max(0, block - o)), (0, 0), (0, beyond)))
    starts = np.minimum(np.arange(-(-o // block)) * block, max(0, o - block))
    channels = filled[starts[:, None] + np.arange(block)]
    shape = (len(starts), block // product.channels, product.channels, -1, windows.steps, product.depth)
    return channels.reshape(shape).transpose(0, 3, 4, 1, 2, 5).reshape(-1)
