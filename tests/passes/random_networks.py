"""Random convolutional networks with residual streams, concatenations and all kinds of activations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir
from hypothesis import strategies as st

from .graphs import parse

SIZE = 8
WIDTHS = (2, 4, 6)
LAYERS = ("conv", "depthwise", "grouped", "residual", "concat", "split")
OTHERS = ("relu", "leaky", "prelu", "clip", "sigmoid", "max_pool", "average_pool", "pad", "permute")
STEPS = LAYERS + OTHERS


class _Writer:
    """Writes nodes one after the other; the last value has `width` channels of SIZE x SIZE."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.lines: list[str] = []
        self.constants: dict[str, np.ndarray] = {}
        self.value, self.width = "x", 2

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = array.astype(np.float32) if array.dtype.kind == "f" else array
        return name

    def node(self, text: str, width: int | None = None) -> str:
        self.value = f"v{len(self.lines)}"
        self.lines.append(f"{self.value} = {text}")
        self.width = width or self.width
        return self.value

    def conv(self, width: int, group: int = 1, kernel: int = 3) -> None:
        scales = 2.0 ** self.rng.uniform(-4, 4, (width, 1, 1, 1))
        weight = scales * self.rng.standard_normal((width, self.width // group, kernel, kernel)) / 3
        bias = scales.reshape(-1) * self.rng.standard_normal(width)
        attributes = f"group = {group}, pads = [{', '.join([str(kernel // 2)] * 4)}]"
        self.node(f"Conv<{attributes}>({self.value}, {self.constant(weight)}, {self.constant(bias)})", width)


def _residual(w: _Writer) -> None:
    start = w.value
    w.conv(w.width)
    w.node(f"Relu({w.value})")
    w.conv(w.width, kernel=1)
    w.node(f"Add({start}, {w.value})")


def _concat(w: _Writer) -> None:
    start, width = w.value, w.width
    w.conv(2, kernel=1)
    w.node(f"Concat<axis = 1>({start}, {w.value})", width + 2)
    w.conv(4, kernel=1)


def _split(w: _Writer) -> None:
    w.conv(4, kernel=1)
    w.lines.append(f"s{len(w.lines)}, t{len(w.lines)} = Split<axis = 1, num_outputs = 2>({w.value})")
    number = len(w.lines) - 1
    w.node(f"Concat<axis = 1>(t{number}, s{number})")


def _pad(w: _Writer) -> None:
    w.node(f"Pad({w.value}, {w.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1]))})")
    w.node(f"MaxPool<kernel_shape = [3, 3]>({w.value})")


def _clip(w: _Writer) -> None:
    w.conv(w.width)
    w.node(f"Clip({w.value}, {w.constant(np.array(0.0))}, {w.constant(np.array(2.0 ** w.rng.uniform(0, 8)))})")


_WRITE: dict[str, Callable[[_Writer], object]] = {
    "conv": lambda w: w.conv(int(w.rng.choice(WIDTHS)), kernel=int(w.rng.choice([1, 3]))),
    "depthwise": lambda w: w.conv(w.width * int(w.rng.choice([1, 2])), group=w.width) if w.width < 8 else None,
    "grouped": lambda w: w.conv(w.width, group=2),
    "relu": lambda w: w.node(f"Relu({w.value})"),
    "leaky": lambda w: w.node(f"LeakyRelu<alpha = 0.1>({w.value})"),
    "prelu": lambda w: w.node(f"PRelu({w.value}, {w.constant(w.rng.uniform(0, 1, (w.width, 1, 1)))})"),
    "clip": _clip,
    "max_pool": lambda w: w.node(f"MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>({w.value})"),
    "average_pool": lambda w: w.node(f"AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>({w.value})"),
    "pad": _pad,
    "residual": _residual,
    "concat": _concat,
    "split": _split,
    "permute": lambda w: w.node(
        f"Transpose<perm = [0, 3, 1, 2]>({w.node(f'Transpose<perm = [0, 2, 3, 1]>({w.value})')})"
    ),
    "sigmoid": lambda w: w.node(f"Sigmoid({w.value})"),
}


def build(steps: list[str], seed: int) -> ir.Model:
    """A network of these steps, closed by a Conv, a Flatten and a Gemm; channels differ by factors up to 2^8."""
    w = _Writer(seed)
    w.conv(4)
    for step in steps:
        _WRITE[step](w)
    w.conv(2)
    weight = w.rng.standard_normal((3, 2 * SIZE * SIZE)) / SIZE
    flat = w.node(f"Flatten({w.value})")
    w.lines.append(f"y = Gemm<transB = 1>({flat}, {w.constant(weight)}, {w.constant(w.rng.standard_normal(3))})")
    body = "  ".join(w.lines)
    return parse(f"g (float[1,2,{SIZE},{SIZE}] x) => (float[1,3] y) {{ {body} }}", w.constants)


networks = st.builds(build, st.lists(st.sampled_from(STEPS), max_size=6), st.integers(0, 2**16))
