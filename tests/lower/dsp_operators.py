"""Random operators that the DSP family has kernels for."""

from __future__ import annotations

import numpy as np
from lower.operators import Case

from edgeq.program.ops import Conv2D, Dense, Requantize
from edgeq.program.program import Buffer

CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 17, 33, 64)


def requantize(rng: np.random.Generator, count: int) -> Requantize:
    """Every form of limits, signs and pre-shift; one multiplier for all channels, or one each."""
    multiplier = rng.integers(1, 1 << 24, rng.choice([1, count])).astype(np.int32)
    lo, hi = ((-128, 127), (-128, 100), (-5, 127), (-90, 90))[rng.integers(4)]
    negative = (multiplier * rng.uniform(-1, 1, len(multiplier))).astype(np.int32) if rng.random() < 0.3 else None
    return Requantize(multiplier, int(rng.integers(-128, 128)), lo, hi, left=int(rng.integers(3)), negative=negative)


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Weights, some of them at the ends of their range, and biases."""
    weight = np.clip(rng.normal(0, rng.choice([1, 30, 200]), shape), -127, 127).astype(np.int8)
    return weight, rng.integers(-(1 << 20), 1 << 20, shape[0]).astype(np.int32)


def random_conv2d(rng: np.random.Generator) -> Case:
    """Windows of any size, stride and padding, also over single pixels."""
    c, o = (int(v) for v in rng.choice(CHANNELS, 2))
    kernel, strides = rng.integers(1, 5, 2), rng.integers(1, 4, 2)
    pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
    size = [int(rng.integers(max(1, k - pads[i] - pads[i + 2]), k + 7)) for i, k in enumerate(kernel)]
    out = [(size[i] + pads[i] + pads[i + 2] - int(kernel[i])) // int(strides[i]) + 1 for i in range(2)]
    batch = int(rng.integers(1, 3))
    weight, bias = numbers(rng, (o, *map(int, kernel), c))
    x_shape, y_shape = (batch, *size, c), (batch, *out, o)
    op = Conv2D(
        "conv", "y", "x", x_shape, y_shape, weight, 8, bias, int(rng.integers(-128, 128)), requantize(rng, o),
        tuple(map(int, strides)), (1, 1), tuple(pads),
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", x_shape), "y": Buffer("y", y_shape)})


def random_pointwise(rng: np.random.Generator) -> Case:
    """1x1 convolutions of up to 130 channels."""
    c, o, h, w = (int(v) for v in (*rng.integers(1, 131, 2), *rng.integers(1, 8, 2)))
    weight, bias = numbers(rng, (o, 1, 1, c))
    op = Conv2D("conv", "y", "x", (1, h, w, c), (1, h, w, o), weight, 8, bias, -3, requantize(rng, o))
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_narrow(rng: np.random.Generator) -> Case:
    """1x1 convolutions over few channels and many pixels."""
    c, o, pixels = int(rng.choice([4, 8, 12])), int(rng.integers(1, 30)), int(rng.integers(16, 300))
    weight, bias = numbers(rng, (o, 1, 1, c))
    op = Conv2D("conv", "y", "x", (1, 1, pixels, c), (1, 1, pixels, o), weight, 8, bias, -3, requantize(rng, o))
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_depthwise(rng: np.random.Generator) -> Case:
    """Windows three wide, of one to four rows, over four channels and more."""
    c, kh, stride = int(rng.integers(4, 40)), int(rng.integers(1, 5)), int(rng.integers(1, 3))
    pads = [int(rng.integers(0, k)) for k in (kh, 3, kh, 3)]
    size = [int(rng.integers(max(1, k - pads[i] - pads[i + 2]), k + 20)) for i, k in enumerate((kh, 3))]
    out = [(size[i] + pads[i] + pads[i + 2] - k) // stride + 1 for i, k in enumerate((kh, 3))]
    weight, bias = numbers(rng, (c, kh, 3, 1))
    op = Conv2D(
        "conv", "y", "x", (1, *size, c), (1, *out, c), weight, 8, bias, int(rng.integers(-128, 128)),
        requantize(rng, c), (stride, stride), (1, 1), tuple(pads), c,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_taps(rng: np.random.Generator) -> Case:
    """Depthwise windows of any width and dilation, over groups of four channels."""
    c, stride = 4 * int(rng.integers(1, 10)), int(rng.integers(1, 3))
    kernel, dilations = (1, 5)[:: int(rng.choice([-1, 1]))], [int(d) for d in rng.integers(1, 3, 2)]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = [int(rng.integers(0, r)) for r in (*reach, *reach)]
    size = [int(rng.integers(max(1, r - pads[i] - pads[i + 2]), r + 6)) for i, r in enumerate(reach)]
    out = [(size[i] + pads[i] + pads[i + 2] - r) // stride + 1 for i, r in enumerate(reach)]
    weight, bias = numbers(rng, (c, *kernel, 1))
    op = Conv2D(
        "conv", "y", "x", (1, *size, c), (1, *out, c), weight, 8, bias, int(rng.integers(-128, 128)),
        requantize(rng, c), (stride, stride), tuple(dilations), tuple(pads), c,
    )  # fmt: skip
    return Case(op, {"x": Buffer("x", op.x_shape), "y": Buffer("y", op.y_shape)})


def random_dense(rng: np.random.Generator) -> Case:
    """One row mostly, of any length."""
    rows, k, o = int(rng.choice([1, 1, 2, 3])), int(rng.integers(1, 400)), int(rng.integers(1, 40))
    weight, bias = numbers(rng, (o, k))
    op = Dense("dense", "y", "x", rows, weight, 8, bias, requantize(rng, o))
    return Case(op, {"x": Buffer("x", (rows, k)), "y": Buffer("y", (rows, o))})


MAKERS = [random_conv2d, random_pointwise, random_narrow, random_depthwise, random_taps, random_dense]
