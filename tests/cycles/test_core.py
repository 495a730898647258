from __future__ import annotations

import pytest

from edgeq.cycles.core import CORES, load_core
from edgeq.cycles.instruction import Instruction
from edgeq.cycles.issue import issue_cycles

NAMES = sorted(path.name.removesuffix(".toml") for path in CORES.iterdir() if path.name.endswith(".toml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_table_names_classes_that_it_has(name: str) -> None:
    core = load_core(name)
    names = {kind.name for kind in core.classes}
    assert len(names) == len(core.classes)
    assert all(set(kind.after) <= names for kind in core.classes)
    assert core.residual is None or 0 < core.residual < 0.2


@pytest.mark.parametrize(
    ("core", "text", "cycles"),
    [
        ("cortex-m7", "smlad r0, r1, r2, r0;ldr r3, [r4]", 1),  # together
        ("cortex-m7", "smlad r0, r1, r2, r0;smlad r5, r1, r2, r5", 2),  # one multiplier
        ("cortex-m7", "ldr r3, [r4];ldr r5, [r4, #4]", 1),
        ("cortex-m7", "ldr r3, [r4];sxtb16 r3, r3", 3),  # waits for the load
        ("cortex-m55", "vldrb.s8 q0, [r0];vmladava.s8 r4, q1, q2;vldrb.s8 q3, [r1]", 4),  # beats overlap
        ("cortex-m55", "vldrb.s8 q0, [r0];vldrb.s8 q1, [r0, #16]", 4),  # one unit
        ("cortex-m55", "add r0, r1, r2;le lr, 10", 1),
    ],
)
def test_what_is_issued_together_or_overlaps(core: str, text: str, cycles: int) -> None:
    lines = [line.partition(" ") for line in text.split(";")]
    program = [Instruction(4 * i, 4, mnemonic, operands) for i, (mnemonic, _, operands) in enumerate(lines)]
    assert sum(issue_cycles(program, load_core(core)).values()) == cycles
