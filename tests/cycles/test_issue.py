"""Cycles summed by hand, from Arm DDI 0439 (M4) and for cores made up for a test."""

from __future__ import annotations

import pytest

from edgeq.cycles.core import Core, InstructionClass, load_core
from edgeq.cycles.instruction import Instruction
from edgeq.cycles.issue import issue_cycles

LOAD = InstructionClass("load", "ldr", latency=2)
SHIFT = InstructionClass("shift", "lsl|sxtb16", unit="shift")
PAIRED = Core("made-up", "", (LOAD, SHIFT), width=2)


def program(text: str) -> list[Instruction]:
    """Lines of assembly, four bytes each."""
    lines = (line.strip().partition(" ") for line in text.strip().splitlines())
    return [Instruction(4 * i, 4, mnemonic, operands) for i, (mnemonic, _, operands) in enumerate(lines)]


def cycles(text: str, core: Core) -> list[int]:
    return list(issue_cycles(program(text), core).values())


def m4() -> Core:
    core = load_core("cortex-m4")
    assert core is not None
    return core


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ldr r0, [r1]\nldr r2, [r1, #4]\nldr r3, [r1, #8]", [2, 1, 1]),  # pipelined: one plus one each
        ("ldr r0, [r1]\nldr r2, [r0]", [2, 2]),  # not where the address is loaded
        ("ldr r0, [r1]\nadd r2, r0, r0\nldr r3, [r1]", [2, 1, 2]),
        ("add r1, r2, r3\nldr r0, [r1]", [1, 3]),  # no forwarding of a sum to the address
        ("add r1, r2, r3\nadd r4, r2, r3\nldr r0, [r1]", [1, 1, 2]),
        ("ldrd r0, r1, [r2]\nldrd r4, r5, [r2, #8]", [3, 3]),  # never pipelined
        ("push {r4, r5, lr}\nsmlad r0, r1, r2, r0\nstr r0, [r3]", [4, 1, 1]),
        ("sxtb16 r0, r1, ror #8\nsmmlar r0, r1, r2, r3\nssat r0, #8, r0", [1, 1, 1]),
    ],
)
def test_m4_takes_what_its_manual_says(text: str, expected: list[int]) -> None:
    assert cycles(text, m4()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add r0, r1, r2\nadd r3, r4, r5", [1, 0]),  # together
        ("add r0, r1, r2\nadd r3, r0, r5", [1, 1]),  # the second needs the first
        ("lsl r0, r1, #2\nlsl r3, r4, #2", [1, 1]),  # one shifter
        ("ldr r0, [r1]\nadd r2, r3, r4\nadd r5, r6, r7\nadd r0, r0, r2", [1, 0, 1, 1]),
        ("ldr r0, [r1]\nadd r2, r0, r3", [1, 2]),  # waits for the load
    ],
)
def test_two_at_a_time_unless_unit_or_operand_is_missing(text: str, expected: list[int]) -> None:
    assert cycles(text, PAIRED) == expected


def test_behind_a_branch_and_behind_a_gap_nothing_is_under_way() -> None:
    assert cycles("ldr r0, [r1]\nb 100\nldr r2, [r1]", m4()) == [2, 1, 2]
    first, second = Instruction(0, 4, "ldr", "r0, [r1]"), Instruction(100, 4, "ldr", "r2, [r1]")
    assert list(issue_cycles([first, second], m4()).values()) == [2, 2]


def test_conditions_and_widths_do_not_change_the_class() -> None:
    core = m4()
    for mnemonic in ("ldr", "ldr.w", "ldrne", "ldrsb.w", "ldrbls.n"):
        assert core.class_of(mnemonic).name == "load"
    for mnemonic in ("ldrd", "ldmia.w", "add", "bls.n"):
        assert core.class_of(mnemonic).name != "load"


def test_a_core_without_a_table_has_none() -> None:
    assert load_core("cortex-m0") is None
