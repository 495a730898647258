"""The operators of random graphs: what each draws."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from program.random_graphs import Draft, Maker, Shape


def _conv(d: Draft, x: str, shape: Shape) -> None:
    channels = shape[1]
    groups = d.pick(1, channels, *(g for g in (2, 3) if channels % g == 0))
    outputs = groups * d.number(1, 2) if groups != 1 else d.number(1, 6)
    window = _window(d, shape, dilate=True)
    kernel = window["kernel_shape"]
    depth = channels // groups
    fan_in = depth * int(np.prod(kernel))
    inputs = [x, d.weight(outputs, depth, *kernel, fan_in=fan_in)]
    if d.pick(True, False):
        inputs.append(d.weight(outputs))
    d.node("Conv", *inputs, group=groups, **window)


def _window(d: Draft, shape: Shape, dilate: bool) -> dict[str, list[int]]:
    """Kernel, strides, dilations and pads that fit; a pooling window never lies wholly in the padding."""
    axes = [_axis(d, size, dilate) for size in shape[2:]]
    kernel, strides, dilations, begin, end = (list(column) for column in zip(*axes, strict=True))
    return {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": begin + end}


def _axis(d: Draft, size: int, dilate: bool) -> tuple[int, int, int, int, int]:
    kernel = d.number(1, min(3, size))
    dilation = d.number(1, 2) if dilate and 2 * (kernel - 1) < size else 1
    begin, end = (d.number(0, kernel - 1) for _ in range(2))
    return kernel, d.number(1, 2), dilation, begin, end


def _max_pool(d: Draft, x: str, shape: Shape) -> None:
    d.node("MaxPool", x, **_pool_window(d, shape, dilate=True))


def _average_pool(d: Draft, x: str, shape: Shape) -> None:
    d.node("AveragePool", x, count_include_pad=d.number(0, 1), **_pool_window(d, shape, dilate=False))


def _pool_window(d: Draft, shape: Shape, *, dilate: bool) -> dict[str, object]:
    """With `ceil_mode`, no window begins in the padding: what that means depends on the opset."""
    window: dict[str, object] = {**_window(d, shape, dilate)}
    if d.pick(False, True):
        axes = len(shape) - 2
        window |= {"ceil_mode": 1, "strides": [1] * axes, "pads": [*window["pads"][:axes], *[0] * axes]}  # type: ignore
        if min(window["kernel_shape"]) > 1:  # type: ignore[call-overload]
            window["strides"] = [2] * axes
    return window


def _global(d: Draft, x: str, shape: Shape) -> None:
    d.node(str(d.pick("GlobalAveragePool", "GlobalMaxPool")), x)


def _reduce_mean(d: Draft, x: str, shape: Shape) -> None:
    d.node("ReduceMean", x, d.whole(*range(2, len(shape))), keepdims=d.number(0, 1))


def _batchnorm(d: Draft, x: str, shape: Shape) -> None:
    variance = d.constant(np.abs(d.rng.standard_normal(shape[1])).astype(np.float32) + np.float32(0.1))
    d.node("BatchNormalization", x, *(d.weight(shape[1]) for _ in range(3)), variance)


def _resize(d: Draft, x: str, shape: Shape) -> None:
    factors = [1, 1, *(d.number(1, 2) for _ in shape[2:])]
    scales = d.constant(np.array(factors, np.float32))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    d.node("Resize", x, "", scales, **how)


def _pad(d: Draft, x: str, shape: Shape) -> None:
    axes = range(1, len(shape))
    pads = [[0, *(d.number(0, 2) for _ in axes)] for _ in range(2)]
    d.node("Pad", x, d.whole(*pads[0], *pads[1]))


def _gemm(d: Draft, x: str, shape: Shape) -> None:
    inputs, outputs, transposed = shape[1], d.number(1, 6), d.number(0, 1)
    weight = d.weight(*((outputs, inputs) if transposed else (inputs, outputs)), fan_in=inputs)
    d.node("Gemm", x, weight, *([d.weight(outputs)] if d.pick(True, False) else []), transB=transposed)


def _matmul(d: Draft, x: str, shape: Shape) -> None:
    d.node("MatMul", x, d.weight(shape[-1], d.number(1, 6), fan_in=shape[-1]))


def _activation(d: Draft, x: str, shape: Shape) -> None:
    match d.pick("Relu", "Clip", "LeakyRelu", "PRelu"):
        case "Clip":
            low = d.pick(0.0, -0.5)
            d.node("Clip", x, *(d.constant(np.array(v, np.float32)) for v in (low, d.pick(6.0, 0.5))))
        case "LeakyRelu":
            d.node("LeakyRelu", x, alpha=d.pick(0.1, 0.01, -0.5, 1.5))
        case "PRelu":
            sizes = (1,) if d.pick(True, False) else (shape[1], *(1,) * (len(shape) - 2))
            d.node("PRelu", x, d.weight(*sizes))
        case _:
            d.node("Relu", x)


def _function(d: Draft, x: str, shape: Shape) -> None:
    d.node(str(d.pick("Sigmoid", "Tanh", "HardSigmoid", "HardSwish")), x)


def _softmax(d: Draft, x: str, shape: Shape) -> None:
    d.node("Softmax", x, axis=d.number(-len(shape), len(shape) - 1))


def _layer_norm(d: Draft, x: str, shape: Shape) -> None:
    axis = d.number(1, len(shape) - 1)
    factors = [d.weight(*shape[axis:]) for _ in range(d.number(1, 2))]
    d.node("LayerNormalization", x, *factors, axis=axis, epsilon=d.pick(1e-5, 1e-2))


def _product(d: Draft, x: str, shape: Shape) -> None:
    """With itself turned around, as attention does, or with another value that fits."""
    fitting = [name for name, other in d.shapes.items() if len(other) > 1 and other[-2] == shape[-1]]
    if fitting and d.pick(True, False):
        d.node("MatMul", x, d.draw(st.sampled_from(fitting)))
    else:
        d.node("Transpose", x, perm=[*range(len(shape) - 2), len(shape) - 1, len(shape) - 2])
        d.node("MatMul", x, list(d.shapes)[-1])


def _binary(d: Draft, x: str, shape: Shape) -> None:
    """With another value that broadcasts, or with a constant of the whole shape, per channel, or alone."""
    others = [name for name, other in d.shapes.items() if _broadcasts(other, shape)]
    per_channel = (shape[1], *(1,) * (len(shape) - 2))
    other = d.pick("value", "whole", "channel", "scalar")
    match other:
        case "value":
            operand = d.draw(st.sampled_from(others))
        case "whole":
            operand = d.weight(*shape)
        case "channel":
            operand = d.weight(*per_channel)
        case _:
            operand = d.weight()
    pair = (x, operand) if d.pick(True, False) else (operand, x)
    d.node(str(d.pick("Add", "Sub", "Mul")), *pair)


def _broadcasts(other: Shape, shape: Shape) -> bool:
    pairs = zip(reversed(other), reversed(shape), strict=False)
    return len(other) <= len(shape) and all(a in (1, b) for a, b in pairs)


def _concat(d: Draft, x: str, shape: Shape) -> None:
    axis = d.number(1, len(shape) - 1)
    others = [n for n, s in d.shapes.items() if len(s) == len(shape) and _without(s, axis) == _without(shape, axis)]
    d.node("Concat", x, *(d.draw(st.sampled_from(others)) for _ in range(d.number(1, 2))), axis=axis)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _split(d: Draft, x: str, shape: Shape) -> None:
    axis = d.number(1, len(shape) - 1)
    if shape[axis] > 1:
        first = d.number(1, shape[axis] - 1)
        d.node("Split", x, d.whole(first, shape[axis] - first), axis=axis, outputs=2)


def _slice(d: Draft, x: str, shape: Shape) -> None:
    axis = d.number(1, len(shape) - 1)
    size = shape[axis]
    step = d.pick(1, 2, -1, -2)
    if step > 0:  # type: ignore[operator]
        start, end = d.number(0, size - 1), d.pick(size, 1000, -1)
    else:
        start, end = d.number(0, size - 1), d.pick(-1000, -size - 1, 0)
    d.node("Slice", x, d.whole(start), d.whole(end), d.whole(axis), d.whole(step))  # type: ignore[arg-type]


def _transpose(d: Draft, x: str, shape: Shape) -> None:
    d.node("Transpose", x, perm=[0, *d.draw(st.permutations(range(1, len(shape))))])


def _flatten(d: Draft, x: str, shape: Shape) -> None:
    d.node("Flatten", x)


def _reshape(d: Draft, x: str, shape: Shape) -> None:
    size = int(np.prod(shape))
    factor = int(d.draw(st.sampled_from([f for f in (1, 2, 3, 4, 6) if size % f == 0])))
    rest = size // factor
    second = int(d.draw(st.sampled_from([f for f in (1, 2, 3, 5) if rest % f == 0])))
    target = d.pick((1, -1), (1, factor, -1), (1, factor, second, -1))
    d.node("Reshape", x, d.whole(*target))  # type: ignore[misc]


def _squeeze(d: Draft, x: str, shape: Shape) -> None:
    ones = [axis for axis, size in enumerate(shape) if size == 1 and axis > 0]
    if ones:
        d.node("Squeeze", x, d.whole(*ones[: len(shape) - 2]))


def _unsqueeze(d: Draft, x: str, shape: Shape) -> None:
    d.node("Unsqueeze", x, d.whole(d.number(1, len(shape))))


_ANY: tuple[Maker, ...] = (
    _activation,
    _function,
    _binary,
    _concat,
    _split,
    _slice,
    _transpose,
    _reshape,
    _softmax,
    _layer_norm,
)
_SPATIAL: tuple[Maker, ...] = (
    _conv, _conv, _conv, _max_pool, _average_pool, _global, _reduce_mean, _batchnorm, _resize, _pad, _flatten, _squeeze,
)  # fmt: skip

MAKERS: dict[int, tuple[Maker, ...]] = {
    2: (_gemm, _gemm, _matmul, _unsqueeze, *_ANY),
    3: (_matmul, _unsqueeze, *_SPATIAL, *_ANY),
    4: (*_SPATIAL, *_ANY),
}
"""By rank of the value that they take."""
