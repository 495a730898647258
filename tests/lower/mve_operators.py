"""Random operators that the MVE family has kernels for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lower.dsp_operators import numbers, random_conv2d, random_dense, random_pointwise, requantize
from lower.operators import Case

from edgeq.program.ops import Add, AveragePool, Conv2D, View
from edgeq.program.program import Buffer


def few_bits(case: Case, rng: np.random.Generator) -> Case:
    """The same with weights of eight, four or two bits, over their whole range, biases as large as their sums."""
    bits = int(rng.choice([8, 8, 4, 2]))
    if bits == 8:
        return case
    reach = 1 << (bits - 1)
    weight = rng.integers(-reach, reach, case.op.weight.shape).astype(np.int8)
    return Case(replace(case.op, weight=weight, weight_bits=bits, bias=case.op.bias >> 8), case.buffers)


def random_few_weights(rng: np.random.Generator) -> Case:
    """Convolution of so many pixels that weights of four or two bits are unpacked first."""
    kernel, (c, o) = int(rng.choice([1, 3])), rng.integers(1, 6, 2).tolist()
    size = 1 + 16 * kernel
    weight, bias = rng.integers(-2, 2, (o, kernel, kernel, c)).astype(np.int8), rng.integers(-200, 200, o)
    form, pad = replace(requantize(rng, o), multiplier=rng.integers(1 << 25, 1 << 27, o).astype(np.int32)), kernel // 2
    op = Conv2D(
        "conv", "y", "x", (1, size, size, c), (1, size, size, o), weight, int(rng.choice([4, 2])),
        bias.astype(np.int32), int(rng.integers(-128, 128)), replace(form, negative=None), (1, 1), (1, 1), (pad,) * 4,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_patches(rng: np.random.Generator) -> Case:
    """Depthwise convolution with kernels of at most 4x4, at any strides."""
    c, batch = int(rng.integers(2, 40)), int(rng.integers(1, 3))
    kernel, strides = rng.integers(1, 5, 2).tolist(), rng.integers(1, 4, 2).tolist()
    pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
    out = [int(v) for v in rng.integers((1, 1), (9, 30))]
    size = [(out[i] - 1) * strides[i] + k - pads[i] - pads[i + 2] for i, k in enumerate(kernel)]
    size = [max(1, s) + int(rng.integers(strides[i])) for i, s in enumerate(size)]
    out = [(size[i] + pads[i] + pads[i + 2] - k) // strides[i] + 1 for i, k in enumerate(kernel)]
    weight, bias = numbers(rng, (c, *kernel, 1))
    op = Conv2D(
        "conv", "y", "x", (batch, *size, c), (batch, *out, c), weight, 8, bias, int(rng.integers(-128, 128)),
        requantize(rng, c), tuple(strides), (1, 1), tuple(pads), c,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_lanes(rng: np.random.Generator) -> Case:
    """Depthwise convolution without padding: large kernels, some dilated."""
    c, kernel = int(rng.integers(4, 40)), rng.integers(1, 7, 2).tolist()
    strides, dilations, out = (rng.integers(1, 3, 2).tolist(), rng.integers(1, 4, 2).tolist(), rng.integers(1, 5, 2))
    size = [(int(out[i]) - 1) * strides[i] + (k - 1) * dilations[i] + 1 for i, k in enumerate(kernel)]
    weight, bias = numbers(rng, (c, *kernel, 1))
    op = Conv2D(
        "conv", "y", "x", (1, *size, c), (1, *map(int, out), c), weight, 8, bias, int(rng.integers(-128, 128)),
        requantize(rng, c), tuple(strides), tuple(dilations), (0, 0, 0, 0), c,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_pool(rng: np.random.Generator) -> Case:
    """Average pooling of windows within the image."""
    c, kernel, strides = int(rng.integers(4, 70)), rng.integers(1, 6, 2).tolist(), rng.integers(1, 4, 2).tolist()
    out = rng.integers(1, 5, 2).tolist()
    size = [(out[i] - 1) * strides[i] + k for i, k in enumerate(kernel)]
    form = replace(requantize(rng, 1), negative=None)
    counts = np.zeros(tuple(out), np.int32)
    zero = int(rng.integers(-128, 128))
    op = AveragePool(
        "pool", "y", "x", (1, *size, c), (1, *out, c), tuple(kernel), zero, form, counts, tuple(strides)
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_add(rng: np.random.Generator) -> Case:
    """Sums of rows, some of them parts of longer ones, to a number of elements that vectors do not divide."""
    rows, size = int(rng.integers(1, 4)), int(rng.integers(4, 40))
    lengths, offsets = size + rng.integers(0, 3, 2), rng.integers(0, 3, 2)
    views = [View((rows, size), (int(n), 1), int(o)) for n, o in zip(lengths, offsets, strict=True)]
    m1, m2, c = (int(v) for v in rng.integers((-8000, -8000, -9000), (8000, 8000, 9000)))
    lo, hi = sorted(int(v) for v in rng.integers(-128, 128, 2))
    op = Add("add", "y", "x1", "x2", *views, m1, m2, c, int(rng.integers(0, 15)), lo, hi)
    shapes = [(rows * int(n) + int(o),) for n, o in zip(lengths, offsets, strict=True)]
    return Case(op, {**{f"x{i}": Buffer(f"x{i}", s) for i, s in enumerate(shapes, 1)}, "y": Buffer("y", (rows, size))})


def _of_few_bits(make):
    def maker(rng: np.random.Generator) -> Case:
        return few_bits(make(rng), rng)

    maker.__name__ = make.__name__
    return maker


MAKERS = [
    *map(_of_few_bits, (random_conv2d, random_pointwise, random_patches, random_dense)),
    random_few_weights,
    random_lanes,
    random_pool,
    random_add,
]
