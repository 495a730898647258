"""Programs whose first operators can run strip by strip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from program.programs import program, requantize

from edgeq.program.ops import Add, AveragePool, Conv2D, Dense, Lut, MaxPool, Op, View
from edgeq.program.program import PortMemory, Program

TABLE = np.arange(-128, 128)[::-1].astype(np.int8)
Shape = tuple[int, int, int, int]


class Stage:
    """A chain of operators over images, with residual connections."""

    def __init__(self, shape: Shape) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {"x": shape}
        self.ops: list[Op] = []
        self.rng = np.random.default_rng(0)

    @property
    def last(self) -> str:
        return list(self.shapes)[-1]

    def add(self, make: type[Op], shape: tuple[int, ...], *arguments: object, **settings: object) -> None:
        y = f"b{len(self.ops)}"
        self.ops.append(make(y, y, *arguments, **settings))  # type: ignore[arg-type]
        self.shapes[y] = shape

    def window(self, kind: str, kernel: tuple[int, int], stride: int, pads: tuple[int, int, int, int]) -> None:
        n, h, w, c = self.shapes[self.last]
        (kh, kw), (top, left, bottom, right) = kernel, pads
        oh, ow = (h + top + bottom - kh) // stride + 1, (w + left + right - kw) // stride + 1
        where: dict[str, object] = {"strides": (stride, stride), "pads": pads}
        x, o = self.last, c if kind != "conv" else int(self.rng.integers(1, 6))
        y = (n, oh, ow, o)
        if kind == "max":
            self.add(MaxPool, y, x, (n, h, w, c), y, kernel, -128, 127, **where)
        elif kind == "mean":
            counts = self.rng.integers(0, 2, (oh, ow)).astype(np.int32)
            rq = replace(requantize(), multiplier=np.array([1 << 27, 1 << 26], np.int32))
            self.add(AveragePool, y, x, (n, h, w, c), y, kernel, 3, rq, counts, **where)
        else:
            groups = 1 if kind == "conv" else c
            weight = self.rng.integers(-128, 128, (o, kh, kw, c // groups)).astype(np.int8)
            bias = self.rng.integers(-999, 999, o).astype(np.int32)
            rq = requantize(o, -3)
            self.add(Conv2D, y, x, (n, h, w, c), y, weight, 8, bias, 5, rq, groups=groups, **where)

    def residual(self) -> None:
        """Adds the last image to an earlier one of its shape, or maps it through a table where there is none."""
        x = self.last
        shape = self.shapes[x]
        others = [name for name in self.shapes if self.shapes[name] == shape and name != x]
        if others:
            view = View((int(np.prod(shape)),), (1,))
            self.add(Add, shape, x, others[0], view, view, 3, 5, 9, 3, -128, 127)
        else:
            self.add(Lut, shape, x, TABLE)

    def program(self, io: PortMemory = "arena") -> Program:
        """The stage with a dense layer behind it."""
        size = int(np.prod(self.shapes[self.last]))
        weight = self.rng.integers(-9, 9, (3, size)).astype(np.int8)
        self.add(Dense, (1, 3), self.last, 1, weight, 8, np.zeros(3, np.int32), requantize(3))
        return replace(program(self.ops, self.shapes, ["x"], [self.last]), io=io)


def pyramid(io: PortMemory = "arena") -> Program:
    """Two convolutions over a large image, the second with strides."""
    stage = Stage((1, 16, 8, 2))
    stage.rng = np.random.default_rng(4)
    stage.window("conv", (3, 3), 1, (1, 1, 1, 1))
    stage.window("conv", (3, 3), 2, (1, 1, 1, 1))
    return stage.program(io)
