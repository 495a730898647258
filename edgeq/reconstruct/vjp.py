"""The few operators that block reconstruction differentiates, each with its vector-Jacobian product.

Written out, because the compiled backward pass that TVM's `relax.transform.Gradient` makes took 6 to 25 times as long
for pointwise, dense and strided convolutions as these matrix products over patches.

Tensors have the shape of their ONNX value and behind it an axis of samples, (1, channels, *spatial, samples): patches
are copied in long runs, and one matrix product serves all samples. Each operator returns its result and a function from
the gradient of the loss by the result to the gradients by the operands, in their order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from edgeq.reconstruct.rows import Window

Vjp = Callable[[np.ndarray], tuple[np.ndarray, ...]]
"""Of one operator: from the gradient by its result to those by its operands."""

Result = tuple[np.ndarray, Vjp]


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, window: Window) -> Result:
    """Conv over one or two spatial axes, strided, dilated, padded, grouped.

    Args:
        x: (1, channels, *spatial, samples).
        weight: (groups, outputs, inputs), the inputs of a group as in an ONNX weight.
        bias: (groups, outputs).
    """
    columns = unfold(x, window)
    rows = columns.reshape(len(weight), weight.shape[2], -1)
    y = weight @ rows + bias[..., None]

    def vjp(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = gradient.reshape(y.shape)
        by_rows = weight.transpose(0, 2, 1) @ outputs
        by_weight = outputs @ rows.transpose(0, 2, 1)
        return fold(by_rows.reshape(columns.shape), x.shape, window), by_weight, outputs.sum(axis=-1)

    return y.reshape(1, -1, *columns.shape[2:]), vjp


def multiply_matrix(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> Result:
    """Gemm and MatMul by a constant.

    Args:
        x: (*rows, inputs, samples).
        weight: (1, outputs, inputs).
        bias: (1, outputs).
    """
    y = weight[0] @ x + bias[0, :, None]

    def vjp(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        flat, inputs = (array.reshape(-1, *array.shape[-2:]) for array in (gradient, x))
        by_weight = np.einsum("ron,rin->oi", flat, inputs, optimize=True)
        return weight[0].T @ gradient, by_weight[None], flat.sum(axis=(0, 2))[None]

    return y, vjp


def pool_average(x: np.ndarray, window: Window) -> Result:
    """AveragePool without padding."""
    columns = unfold(x, window)

    def vjp(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        share = gradient[0, :, None] / np.float32(columns.shape[1])
        return (fold(np.broadcast_to(share, columns.shape), x.shape, window),)

    return columns.mean(axis=1)[None], vjp


def add(a: np.ndarray, b: np.ndarray) -> Result:
    """Add, with operands that broadcast."""
    return a + b, lambda gradient: (_summed(gradient, a.shape), _summed(gradient, b.shape))


def clip(x: np.ndarray, lo: float, hi: float) -> Result:
    """Relu and Clip."""
    inside = (x > lo) & (x < hi)
    return x.clip(lo, hi), lambda gradient: (gradient * inside,)


def reshape(x: np.ndarray, shape: tuple[int, ...]) -> Result:
    """Reshape, Flatten, Squeeze and Unsqueeze, to `shape` without the samples."""
    return x.reshape(*shape, x.shape[-1]), lambda gradient: (gradient.reshape(x.shape),)


def transpose(x: np.ndarray, axes: tuple[int, ...]) -> Result:
    """Transpose of the axes before the samples."""
    order = (*axes, len(axes))
    back = tuple(np.argsort(order))
    return x.transpose(order), lambda gradient: (gradient.transpose(back),)


def fake_quantize(x: np.ndarray, scale: np.ndarray, zero_point: int, limits: tuple[int, int]) -> Result:
    """QuantizeLinear -> DequantizeLinear per tensor; rounding counts as the identity (straight-through).

    Source: Esser et al., "Learned Step Size Quantization", ICLR 2020, section 2.1, equations 3 and 5.

    Args:
        scale: Of shape ().
    """
    steps = x / scale
    low, high = (np.float32(limit - zero_point) for limit in limits)
    integers = np.rint(steps).clip(low, high)

    def vjp(gradient: np.ndarray) -> tuple[np.ndarray, ...]:
        inside = (steps >= low) & (steps <= high)
        by_scale = np.vdot(gradient, integers - inside * steps)
        return gradient * inside, np.asarray(by_scale, np.float32)

    return integers * scale, vjp


def unfold(x: np.ndarray, window: Window) -> np.ndarray:
    """What a window sees: (channels, taps, *positions, samples) of x, (1, channels, *spatial, samples)."""
    rank = x.ndim - 3
    pads = [(0, 0), *zip(window.pads[:rank], window.pads[rank:], strict=True), (0, 0)]
    padded = np.pad(x[0], pads) if any(window.pads) else x[0]
    positions = window.positions(x.shape[2:-1])
    columns = np.empty((x.shape[1], math.prod(window.kernel), *positions, x.shape[-1]), x.dtype)
    for tap, seen in enumerate(_taps(window, positions)):
        columns[:, tap] = padded[:, *seen]
    return columns


def fold(columns: np.ndarray, shape: tuple[int, ...], window: Window) -> np.ndarray:
    """The transpose of `unfold`: each element of x, of this shape, gets the sum of what the window made of it."""
    rank = len(shape) - 3
    before, spatial = window.pads[:rank], shape[2:-1]
    sizes = [sum(parts) for parts in zip(before, spatial, window.pads[rank:], strict=True)]
    padded = np.zeros((shape[1], *sizes, shape[-1]), columns.dtype)
    for tap, seen in enumerate(_taps(window, columns.shape[2:-1])):
        padded[:, *seen] += columns[:, tap]
    return padded[:, *(slice(start, start + size) for start, size in zip(before, spatial, strict=True))][None]


def _taps(window: Window, positions: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Per tap, which elements of the padded input it sees at the positions."""
    for tap in itertools.product(*map(range, window.kernel)):
        starts = [i * dilation for i, dilation in zip(tap, window.dilations, strict=True)]
        yield tuple(
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(starts, positions, window.strides, strict=True)
        )


def _summed(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient by an operand of this shape that was broadcast."""
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, size in enumerate(shape) if size == 1 and gradient.shape[extra + i] > 1
    )
    return gradient.sum(axis=axes, keepdims=True).reshape(shape) if axes else gradient
