"""int4 activations lie two to a byte where all kernels that touch them know that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.lower.lower import lower
from edgeq.lower.packing import pack_activations
from edgeq.program.ops import Conv2D, MaxPool, Op, Requantize, Softmax
from edgeq.program.planner import arena_bound
from edgeq.program.program import Buffer, Port, Program
from edgeq.quant.tables import softmax_table
from edgeq.targets.load import load_target

M4 = load_target("cortex-m4")
IMAGE = (1, 8, 8, 8)


def conv(y: str, x: str, outputs: int = 8) -> Conv2D:
    rng = np.random.default_rng(0)
    weight = rng.integers(-100, 100, (outputs, 1, 1, 8)).astype(np.int8)
    scaled = Requantize(np.array([1 << 24], np.int32), 0, -8, 7)
    return Conv2D(y, y, x, IMAGE, (*IMAGE[:3], outputs), weight, 8, np.zeros(outputs, np.int32), 0, scaled)


def net(ops: list[Op], **shapes: tuple[int, ...]) -> Program:
    """A program of int4 buffers from port x to port y."""
    buffers = tuple(Buffer(name, shape, 4) for name, shape in {"x": IMAGE, **shapes}.items())
    return Program("net", (Port("x", "x", IMAGE, 1.0, 0),), (Port("y", "y", shapes["y"], 1.0, 0),), buffers, tuple(ops))


def chain() -> Program:
    return net([conv("a", "x"), conv("b", "a"), conv("y", "b")], a=IMAGE, b=IMAGE, y=IMAGE)


def packed(program: Program) -> list[str]:
    return [b.name for b in pack_activations(program, M4).buffers if b.packed]


def test_all_but_ports_are_packed() -> None:
    assert packed(chain()) == ["a", "b"]
    program = chain()
    assert pack_activations(program, load_target("rv32imc")) is program


def test_the_arena_is_smaller() -> None:
    program = replace(chain(), io="caller")
    assert arena_bound(lower(program, M4).program) == arena_bound(program) // 2


def test_an_operator_without_such_a_kernel_keeps_its_buffers_as_they_are() -> None:
    pool = MaxPool("max", "b", "a", IMAGE, IMAGE, (1, 1), -8, 7)
    rows = Softmax("softmax", "y", "b", 64, 8, softmax_table(0.1), Requantize(np.array([1 << 24], np.int32), 0, -8, 7))
    assert packed(net([conv("a", "x"), pool, rows], a=IMAGE, b=IMAGE, y=IMAGE)) == []


def test_a_first_layer_of_odd_channels_packs_its_result() -> None:
    first = replace(conv("a", "x"), x_shape=(*IMAGE[:3], 3), weight=np.ones((8, 1, 1, 3), np.int8))
    program = net([first, conv("y", "a")], a=IMAGE, y=IMAGE)
    image = replace(program.buffer["x"], shape=first.x_shape, bits=8)
    assert packed(replace(program, buffers=(image, *program.buffers[1:]))) == ["a"]


def test_odd_channels_stay_as_they_are() -> None:
    odd = (*IMAGE[:3], 7)
    assert (
        packed(
            net(
                [conv("a", "x", 7), replace(conv("y", "a"), x_shape=odd, weight=np.ones((8, 1, 1, 7), np.int8))],
                a=odd,
                y=IMAGE,
            )
        )
        == []
    )


@pytest.mark.parametrize("size", [6, 7])
def test_stored_elements(size: int) -> None:
    elements = np.random.default_rng(0).integers(-8, 8, (3, size)).astype(np.int8)
    stored = Buffer("x", (size,), 4, packed=True).stored(elements)
    assert stored.shape == (3, -(-size // 2))
    np.testing.assert_array_equal(stored << 4 >> 4, elements[:, ::2])
    np.testing.assert_array_equal((stored >> 4)[:, : size // 2], elements[:, 1::2])
