"""Lowering: what is shared, what is chosen, what a call passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lower.every_kernel import every_kernel
from lower.targets import FULL

from edgeq.errors import UnsupportedError
from edgeq.lower.lower import lower
from edgeq.lower.lowered import Argument
from edgeq.lower.rule import Rule
from edgeq.lower.select import rules, select
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Add, Lut, Op, Requantize, Softmax, View
from edgeq.program.program import Buffer, Port, Program
from edgeq.quant.tables import softmax_table
from edgeq.run.host import HostRunner
from edgeq.targets.portable.conv2d import conv2d
from edgeq.targets.portable.depthwise import depthwise
from edgeq.targets.portable.elementwise import lut as portable_lut
from edgeq.targets.portable.tables import pack

VIEW = View((16,), (1,))


def chain(*ops: Op, constant: np.ndarray | None = None, bits: int = 8) -> Program:
    """x -> a -> ... -> y, all of 16 elements."""
    names = ["x", *dict.fromkeys(op.y for op in ops)]
    buffers = [Buffer(n, (16,), bits) for n in names]
    if constant is not None:
        buffers.append(Buffer("k", (16,), bits, constant))
    ports = Port("x", "x", (16,), 1.0, 0), Port("y", "y", (16,), 1.0, 0)
    return Program("chain", ports[:1], ports[1:], tuple(buffers), ops)


def add(y: str, x1: str, x2: str) -> Add:
    return Add("add", y, x1, x2, VIEW, VIEW, 3, 1, 0, 2, -128, 127)


def lut(y: str, x: str, table: np.ndarray) -> Lut:
    return Lut("lut", y, x, table)


ODD = np.arange(-128, 128).astype(np.int8) | 1
NEGATED = (-np.arange(-127, 129)).astype(np.int8)


def test_equal_kernels_and_constants_are_shared() -> None:
    lowered = lower(chain(lut("a", "x", ODD), lut("b", "a", NEGATED), lut("y", "b", ODD.copy())), FULL)
    assert [k.symbol for k in lowered.kernels] == ["chain_k0"]
    assert [c.arguments[1].name for c in lowered.calls] == ["chain_c0", "chain_c1", "chain_c0"]
    assert [c.symbol for c in lowered.constants] == ["chain_c0", "chain_c1"]


def test_arguments() -> None:
    lowered = lower(chain(add("y", "x", "k"), constant=ODD[:16]), FULL)
    assert lowered.calls[0].arguments == (
        Argument("buffer", "x", "int8"),
        Argument("constant", "chain_c0", "int8"),
        Argument("buffer", "y", "int8", writes=True),
    )


@pytest.mark.parametrize("bits", [8, 16])
def test_operators_run_in_place(bits) -> None:
    ops = [add("a", "x", "x"), add("b", "a", "x"), add("c", "b", "k"), add("y", "c", "c")]
    program = chain(*ops, constant=ODD[:16].astype(np.int8 if bits == 8 else np.int16), bits=bits)
    lowered = lower(program, FULL)
    assert lowered.plan.offsets["a"] == lowered.plan.offsets["b"] == lowered.plan.offsets["c"]
    x = {"x": np.arange(-16, 16).reshape(2, 16).astype(program.buffer["x"].dtype)}
    np.testing.assert_array_equal(HostRunner(lowered).run(x)["y"], interpret(program, x)["y"])


def test_trace_shows_every_buffer() -> None:
    program = chain(lut("a", "x", ODD), add("b", "a", "x"), lut("y", "b", NEGATED))
    x = {"x": np.arange(16, dtype=np.int8).reshape(1, 16)}
    seen, expected = [], []
    HostRunner(lower(program, FULL)).run(x, trace=lambda i, op, y: seen.append((i, op.y, y.tolist())))
    interpret(program, x, trace=lambda i, op, y: expected.append((i, op.y, y.tolist())))
    assert seen == expected


def test_depthwise_has_its_own_kernel() -> None:
    program = every_kernel()
    chosen = {op.groups: select(op, program, FULL).generate for op in program.ops if op.kind == "conv2d"}
    assert chosen == {1: conv2d, 2: conv2d, 8: depthwise}


def test_preferred_family_comes_first(monkeypatch) -> None:
    own = Rule("lut", portable_lut, features=frozenset({"dsp"}))
    monkeypatch.setattr("edgeq.targets.portable.rules.RULES", (own, *rules(FULL)))
    program = chain(lut("y", "x", ODD))
    assert select(program.ops[0], program, FULL) is not own
    assert select(program.ops[0], program, replace(FULL, features=frozenset({"dsp"}))) is own


def test_no_kernel_for_a_width() -> None:
    with pytest.raises(UnsupportedError, match="no kernel for lut with 32-bit buffers on full"):
        lower(chain(lut("y", "x", ODD), bits=32), FULL)


def test_softmax_refuses_rows_that_overflow() -> None:
    rq = Requantize(np.array([1 << 20], np.int32), 0, -128, 127)
    op = Softmax("long", "y", "x", 1, 1 << 15, softmax_table(0.1), rq)
    with pytest.raises(UnsupportedError, match=r"softmax over 32768 elements.*'long'"):
        lower(chain(op), FULL)


@pytest.mark.parametrize(
    ("values", "bits", "packed"),
    [([1, -1, 7], 4, [0xF1, 0x07]), ([-8], 4, [0x08]), ([1, -1, 0, -2, 1], 2, [0x8D, 0x01]), ([], 2, [])],
)
def test_packing_order(values, bits, packed) -> None:
    """Low bits first, as in ONNX; the last byte is filled up with zeros."""
    assert pack(np.array(values, np.int8), bits).tolist() == packed
