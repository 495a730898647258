"""What a firmware executed, by address, and the cycles that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.cycles.core import Core

RECORD = np.dtype([(name, "<u8") for name in ("address", "executed", "jumped", "code_misses", "data_misses")])
"""Of `edgeq/run/plugin/profile.c`."""


@dataclass(frozen=True, eq=False)
class Section:
    """What was executed between two marks: `RECORD`s, one for each address."""

    records: np.ndarray

    @property
    def instructions(self) -> int:
        """All that were executed."""
        return int(self.records["executed"].sum())

    def cycles(self, costs: Mapping[int, int], jumps: Mapping[int, float], core: Core) -> float:
        """Estimated cycles.

        Args:
            costs: Cycles of an instruction by address, as `issue_cycles` gives them.
            jumps: Cycles that a jump from an address adds.
        """
        addresses = self.records["address"].tolist()
        straight = self.records["executed"] @ np.array([costs[a] for a in addresses], float)
        taken = self.records["jumped"] @ np.array([jumps[a] for a in addresses], float)
        return core.scale * float(straight + taken + self._waits(core))

    def _waits(self, core: Core) -> float:
        """Cycles in which the flash memory is waited for."""
        if core.flash is None:
            return 0.0
        code, data = (int(self.records[name].sum()) for name in ("code_misses", "data_misses"))
        return code * core.flash.code_wait + data * core.flash.data_wait


def sections(data: bytes) -> list[Section]:
    """The sections of a profile that the plugin wrote."""
    records = np.frombuffer(data, RECORD)
    ends = np.flatnonzero(records["address"] == np.iinfo(np.uint64).max)
    return [Section(records[begin:end]) for begin, end in zip(np.append(0, ends[:-1] + 1), ends, strict=True)]
