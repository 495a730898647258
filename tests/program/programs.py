"""Small programs for tests."""

from __future__ import annotations

import numpy as np

from edgeq.program.ops import Op, Requantize
from edgeq.program.program import Buffer, Port, Program


def requantize(channels: int = 1, zero_point: int = 0, m: int = 1 << 22, **settings: object) -> Requantize:
    """A requantization by the same multiplier everywhere."""
    return Requantize(np.full(channels, m, np.int32), zero_point, -128, 127, **settings)  # type: ignore[arg-type]


def program(ops: list[Op], shapes: dict[str, tuple[int, ...]], inputs: list[str], outputs: list[str]) -> Program:
    """A program of int8 buffers; ports are named as their buffers."""

    def ports(names: list[str]) -> tuple[Port, ...]:
        return tuple(Port(name, name, shapes[name], 0.5, 0) for name in names)

    buffers = tuple(Buffer(name, shape) for name, shape in shapes.items())
    return Program("net", ports(inputs), ports(outputs), buffers, tuple(ops))
