"""The operators that are measured: of the shapes that small networks have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgeq.program.ops import AveragePool, Conv2D, MaxPool, Op, Requantize, Softmax
from edgeq.program.program import Buffer
from edgeq.quant.tables import softmax_table

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Case:
    """An operator.

    Attributes:
        name: What it is, and its shape.
        op: Reads buffer x and writes buffer y.
        buffers: Those.
        work: Multiply-accumulates of operators with weights, elements of the others: read, if those are more.
    """

    name: str
    op: Op
    buffers: tuple[Buffer, ...]
    work: int


def pooled(kind: str, x_shape: Shape, kernel: int, stride: int, pad: int = 0) -> Case:
    """A pooling with square windows; as large as the image where `kernel` is 0."""
    window = (kernel, kernel) if kernel else (x_shape[1], x_shape[2])
    out = [(size + 2 * pad - k) // stride + 1 for size, k in zip(x_shape[1:3], window, strict=True)]
    y_shape = (x_shape[0], *out, x_shape[3])
    args = ("op", "y", "x", x_shape, y_shape, window)
    places = ((stride, stride), (1, 1), (pad,) * 4)
    if kind == "max_pool":
        op: Op = MaxPool(*args, -128, 127, *places)
    else:
        scaled = Requantize(np.array([(1 << 30) // (window[0] * window[1])], np.int32), 3, -128, 127)
        op = AveragePool(*args, -5, scaled, np.zeros(out, np.int32), *places)
    text = "x".join(map(str, x_shape[1:]))
    name = f"{kind} {'global' if not kernel else f'{kernel}x{kernel}/{stride}'}{f' pad {pad}' if pad else ''}, {text}"
    taps = int(np.prod(y_shape)) * window[0] * window[1]
    return Case(name, op, (Buffer("x", x_shape), Buffer("y", y_shape)), taps)


def softmax(rows: int, n: int) -> Case:
    """Rows of n elements."""
    scaled = Requantize(np.array([1 << 25], np.int32), -128, -128, 127)
    op = Softmax("op", "y", "x", rows, n, softmax_table(0.1), scaled)
    return Case(f"softmax {rows}x{n}", op, (Buffer("x", (rows, n)), Buffer("y", (rows, n))), rows * n)


def convolved(x_shape: Shape, outputs: int, kernel: tuple[int, int], stride: int, bits: int, shift: int = 0) -> Case:
    """A convolution with padding that keeps the image's size at stride 1; 1x1 over one pixel is a dense layer.

    Args:
        bits: Of the activations.
        shift: Of the sum, before it is multiplied.
    """
    pads = [(k - 1) // 2 for k in kernel]
    out = [(size + 2 * p - k) // stride + 1 for size, p, k in zip(x_shape[1:3], pads, kernel, strict=True)]
    y_shape = (x_shape[0], *out, abs(outputs))
    groups = x_shape[3] if outputs < 0 else 1
    rng = np.random.default_rng(0)
    weight = rng.integers(-127, 128, (abs(outputs), *kernel, x_shape[3] // groups)).astype(np.int8)
    bias = rng.integers(-1000, 1000, abs(outputs)).astype(np.int32)
    scaled = Requantize(
        rng.integers(1 << 15, 1 << 16, abs(outputs)).astype(np.int32) << shift, 0, *limits(bits), right=shift
    )
    op = Conv2D(
        "op", "y", "x", x_shape, y_shape, weight, 8, bias, 0, scaled, (stride, stride), (1, 1), (*pads, *pads), groups
    )  # fmt: skip
    text = f"{'x'.join(map(str, x_shape[1:]))} -> {abs(outputs)}"
    kind = "depthwise" if groups > 1 else "conv2d"
    name = f"{kind} {kernel[0]}x{kernel[1]}/{stride}, {text}, {bits} bits{f', sum >> {shift}' if shift else ''}"
    return Case(name, op, (Buffer("x", x_shape, bits), Buffer("y", y_shape, bits)), op.macs)


def limits(bits: int) -> tuple[int, int]:
    """Of a signed number."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def cases() -> Iterator[Case]:
    """All."""
    yield pooled("average_pool", (1, 8, 8, 64), 0, 1)
    yield pooled("average_pool", (1, 25, 5, 64), 0, 1)
    yield pooled("average_pool", (1, 16, 16, 24), 2, 2)
    yield pooled("average_pool", (1, 16, 16, 24), 3, 1, 1)
    yield pooled("max_pool", (1, 8, 8, 64), 0, 1)
    yield pooled("max_pool", (1, 24, 24, 16), 2, 2)
    yield pooled("max_pool", (1, 24, 24, 16), 3, 2, 1)
    for bits in (8, 16):
        yield convolved((1, 16, 16, 16), 16, (3, 3), 1, bits)
        yield convolved((1, 16, 16, 16), 32, (3, 3), 2, bits)
        yield convolved((1, 32, 32, 3), 16, (3, 3), 1, bits)
        yield convolved((1, 25, 5, 64), 64, (1, 1), 1, bits)
        yield convolved((1, 1, 1, 640), 128, (1, 1), 1, bits)
        yield convolved((1, 25, 5, 64), -64, (3, 3), 1, bits)
        yield convolved((1, 24, 24, 16), -16, (3, 3), 2, bits)
    yield convolved((1, 16, 16, 16), 16, (3, 3), 1, 16, 4)
    yield convolved((1, 4, 4, 128), 64, (3, 3), 1, 16, 6)
    yield softmax(1, 10)
    yield softmax(1, 12)
    yield softmax(16, 64)


CASES = tuple(cases())
