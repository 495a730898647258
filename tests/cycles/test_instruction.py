from __future__ import annotations

import pytest

from edgeq.cycles.instruction import Instruction


@pytest.mark.parametrize(
    ("text", "results", "reads"),
    [
        ("adds r0, r1, r2", "r0", "r1 r2"),
        ("adds r0, #16", "r0", "r0"),
        ("add r0, r1", "r0", "r0 r1"),
        ("add.w r0, r0, r1", "r0", "r0 r1"),
        ("mov.w r7, #5505108", "r7", ""),
        ("movt r7, #84", "r7", "r7"),
        ("sxtb16 r1, r2, ror #8", "r1", "r2"),
        ("smlad r4, r5, r6, r4", "r4", "r4 r5 r6"),
        ("smull r0, r1, r2, r3", "r0 r1", "r2 r3"),
        ("smlal r0, r1, r2, r3", "r0 r1", "r0 r1 r2 r3"),
        ("ldr r0, [r1, #4]", "r0", "r1"),
        ("ldr.w r0, [r0], #4", "r0", "r0"),
        ("ldrd r0, r1, [r2, #8]", "r0 r1", "r2"),
        ("ldmia.w sp!, {r4, r5, pc}", "r4 r5 pc", "sp"),
        ("pop {r4, pc}", "r4 pc", ""),
        ("push {r4, lr}", "", "r4 lr"),
        ("strd r0, r1, [r2]", "", "r0 r1 r2"),
        ("cmp r0, r1", "", "r0 r1"),
        ("bne.n 1c", "", ""),
        ("vldrw.u32 q0, [r0], #16", "q0", "r0"),
        ("vmladava.s8 lr, q0, q1", "lr", "lr q0 q1"),
    ],
)
def test_what_is_written_and_read(text: str, results: str, reads: str) -> None:
    mnemonic, _, operands = text.partition(" ")
    instruction = Instruction(0, 4, mnemonic, operands)
    assert instruction.results == set(results.split())
    assert instruction.reads == set(reads.split())


def test_an_address_is_what_stands_in_brackets() -> None:
    assert Instruction(0, 4, "ldr.w", "r0, [r1, r2, lsl #2]").address_registers == {"r1", "r2"}
    assert Instruction(0, 4, "add.w", "r0, r1, r2").address_registers == set()


def test_a_list_is_what_stands_in_braces() -> None:
    assert Instruction(0, 4, "ldmia.w", "sp!, {r4, r5, pc}").listed == 3
    assert Instruction(0, 2, "push", "{r4-r7, lr}").listed == 5
