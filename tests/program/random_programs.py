"""Random integer programs in which many channels are constant or unread, as a hypothesis strategy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from hypothesis import strategies as st
from program.programs import program

from edgeq.program.ops import Add, AveragePool, Conv2D, Copy, Dense, Lut, MaxPool, Mul, Op, Requantize, View
from edgeq.program.program import Program

Shape = tuple[int, int, int, int]
CHANNELS = (4, 8, 12, 5, 1)


class Draft:
    """A program under construction: every buffer is an NHWC image."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        self.ops: list[Op] = []
        self.shapes: dict[str, tuple[int, ...]] = {"x": (1, 5, 4, draw(st.sampled_from(CHANNELS)))}

    def image(self) -> str:
        """Some buffer, mostly the latest."""
        names = [name for name, shape in self.shapes.items() if len(shape) == 4]
        return names[-1] if self.draw(st.booleans()) else self.draw(st.sampled_from(names))

    def result(self, shape: tuple[int, ...]) -> str:
        name = f"b{len(self.shapes)}"
        self.shapes[name] = shape
        return name

    def weights(self, *shape: int) -> np.ndarray:
        """Small integers; some outputs have none but zeros, and some inputs are not read."""
        w = self.rng.integers(-9, 10, shape)
        w[self.rng.random(shape[0]) < 0.4] = 0
        w[..., self.rng.random(shape[-1]) < 0.3] = 0
        return w.astype(np.int8)

    def biases(self, outputs: int) -> np.ndarray:
        """Some saturate whatever is added to them."""
        far = self.rng.choice([-(1 << 20), 0, 0, 0, 1 << 20], outputs)
        return (self.rng.integers(-300, 300, outputs) + far).astype(np.int32)

    def requantize(self, outputs: int) -> Requantize:
        m = self.rng.integers(1 << 21, 1 << 24, outputs if self.draw(st.booleans()) else 1).astype(np.int32)
        negative = self.rng.integers(-(1 << 22), 1 << 22, len(m)).astype(np.int32) if self.rng.random() < 0.2 else None
        zero = int(self.rng.integers(-128, 128))
        return Requantize(m, zero, self.draw(st.sampled_from((-128, zero))), 127, negative=negative)


def _conv(d: Draft, *, depthwise: bool) -> None:
    x = d.image()
    _, h, w, c = shape = d.shapes[x]
    k, stride = d.draw(st.sampled_from((1, 3))), d.draw(st.sampled_from((1, 2)))
    outputs = c if depthwise else d.draw(st.sampled_from(CHANNELS))
    y_shape = (1, (h - 1) // stride + 1, (w - 1) // stride + 1, outputs)
    weight, bias = d.weights(outputs, k, k, 1 if depthwise else c), d.biases(outputs)
    d.ops.append(
        Conv2D(
            f"op{len(d.ops)}",
            d.result(y_shape),
            x,
            shape,
            y_shape,
            weight,
            8,
            bias,
            int(d.rng.choice([-128, 0, 5])),
            d.requantize(outputs),
            (stride, stride),
            pads=(k // 2,) * 4,
            groups=c if depthwise else 1,
        )
    )


def _pool(d: Draft) -> None:
    x = d.image()
    shape = d.shapes[x]
    y = d.result(shape)
    window = {"x_shape": shape, "y_shape": shape, "kernel": (3, 3), "pads": (1, 1, 1, 1)}
    if d.draw(st.booleans()):
        d.ops.append(MaxPool("max", y, x, lo=-100, hi=100, **window))
        return
    counts = d.rng.integers(0, 2, shape[1:3]).astype(np.int32)
    rq = Requantize(np.array([1 << 28, 1 << 27], np.int32), 3, -128, 127)
    d.ops.append(AveragePool("mean", y, x, x_zero_point=-7, requantize=rq, counts=counts, **window))


def _lut(d: Draft) -> None:
    x = d.image()
    table = np.sort(d.rng.integers(-128, 128, 256)).astype(np.int8)
    d.ops.append(Lut("table", d.result(d.shapes[x]), x, table))


def _binary(d: Draft) -> None:
    """Of two equal shapes, or of one and what it is broadcast with; sometimes written with loops over the channels."""
    x1 = d.image()
    shape = d.shapes[x1]
    size, c = int(np.prod(shape)), shape[-1]
    x2 = d.draw(st.sampled_from([name for name, other in d.shapes.items() if other in (shape, (1, 1, 1, c))]))
    step = 0 if d.shapes[x2] != shape else c
    views = (View((size // c, c), (c, 1)), View((size // c, c), (step, 1)))
    if step and d.draw(st.booleans()):
        views = (View((size,), (1,)),) * 2
    y = d.result(shape)
    if d.draw(st.booleans()):
        d.ops.append(Mul("mul", y, x1, x2, *views, 3, -4, d.requantize(1)))
    else:
        d.ops.append(Add("add", y, x1, x2, *views, 3, -2, 100, 3, -90, 120))


def _mean_of_all(d: Draft) -> None:
    """What gates are made of: one element per channel."""
    x = d.image()
    _, h, w, c = shape = d.shapes[x]
    y_shape = (1, 1, 1, c)
    rq = Requantize(np.array([(1 << 29) // (h * w)], np.int32), 3, -128, 127)
    zeros = np.zeros((1, 1), np.int32)
    d.ops.append(AveragePool("all", d.result(y_shape), x, shape, y_shape, (h, w), 3, rq, zeros))


def _concat(d: Draft) -> None:
    """Channels of two images side by side."""
    x1 = d.image()
    places = d.shapes[x1][:3]
    x2 = d.draw(st.sampled_from([name for name, shape in d.shapes.items() if len(shape) == 4 and shape[:3] == places]))
    count, (c1, c2) = int(np.prod(places)), (d.shapes[x][-1] for x in (x1, x2))
    y = d.result((*places, c1 + c2))
    for x, c, start in ((x1, c1, 0), (x2, c2, c1)):
        rq = d.requantize(1) if d.draw(st.booleans()) else None
        d.ops.append(Copy("concat", y, x, View((count, c), (c, 1)), View((count, c), (c1 + c2, 1), start), 3, rq))


def _move(d: Draft) -> None:
    """Every other channel, a transposed image, or a plain copy."""
    x = d.image()
    *places, c = d.shapes[x]
    count, half = int(np.prod(places)), (c + 1) // 2
    name, shape, x_view, y_view = d.draw(
        st.sampled_from(
            (
                ("slice", (*places, half), View((count, half), (c, 2)), View((count, half), (half, 1))),
                ("turn", (1, c, 1, count), View((c, count), (1, c)), View((c, count), (count, 1))),
                ("copy", (*places, c), View((count, c), (c, 1)), View((count, c), (c, 1))),
            )
        )
    )
    d.ops.append(Copy(name, d.result(shape), x, x_view, y_view))


def _dense(d: Draft) -> str:
    """The output: reads every element of an image."""
    x = d.image()
    k = int(np.prod(d.shapes[x]))
    y = d.result((1, 3))
    d.ops.append(Dense("dense", y, x, 1, d.weights(3, k), 8, d.biases(3), d.requantize(3)))
    return y


MAKERS: tuple[Callable[[Draft], None], ...] = (
    partial(_conv, depthwise=False),
    partial(_conv, depthwise=True),
    _pool,
    _lut,
    _binary,
    _mean_of_all,
    _concat,
    _move,
)


@st.composite
def random_programs(draw: st.DrawFn) -> Program:
    """One to nine operators on images, then a matrix product; sometimes an image is an output too."""
    d = Draft(draw)
    _conv(d, depthwise=False)
    for _ in range(draw(st.integers(0, 8))):
        draw(st.sampled_from(MAKERS))(d)
    outputs = [_dense(d)]
    if draw(st.sampled_from((False, False, True))):
        outputs.append(d.ops[0].y)
    return program(d.ops, d.shapes, ["x"], outputs)
