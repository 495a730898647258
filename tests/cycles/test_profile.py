from __future__ import annotations

import numpy as np

from edgeq.cycles.core import Core, Flash
from edgeq.cycles.profile import RECORD, Section, sections

SECTION = Section(np.array([(16, 5, 2, 7, 0), (20, 1, 0, 0, 3)], RECORD))
COSTS, JUMPS = {16: 3, 20: 1}, {16: 1.5, 20: 2.0}


def test_cycles_are_costs_jumps_and_waits() -> None:
    assert SECTION.instructions == 6
    assert SECTION.cycles(COSTS, JUMPS, Core("x", "", ())) == 5 * 3 + 1 * 1 + 2 * 1.5
    waiting = Core("x", "", (), flash=Flash(8, 1, 1, code_wait=0.5, data_wait=2.0))
    assert SECTION.cycles(COSTS, JUMPS, waiting) == 19 + 7 * 0.5 + 3 * 2.0


def test_sections_end_at_their_marks() -> None:
    end = np.full(1, np.iinfo(np.uint64).max, np.dtype("<u8")).repeat(5).tobytes()
    data = SECTION.records.tobytes() + end + end + SECTION.records[:1].tobytes() + end
    assert [len(s.records) for s in sections(data)] == [2, 0, 1]
