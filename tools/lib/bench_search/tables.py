"""Search problems whose every allocation was measured before: the sweep of Quantune's space."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from edgeq.search.effects import measure_effects
from edgeq.search.features import TINY, Features
from edgeq.search.space import Allocation, Space
from edgeq.search.strategy import Problem
from edgeq.search.surrogate import Records
from edgeq.search.trial import Budgets, Cost

NOTHING = Cost(1, 1, 1)


@dataclass(frozen=True, eq=False)
class Table:
    """A model at one width.

    Attributes:
        loss: By allocation of the space.
    """

    model: str
    weight_bits: int
    space: Space
    loss: dict[Allocation, float]

    @property
    def digest(self) -> str:
        """Of the losses."""
        return sha256(repr(sorted(self.loss.values())).encode()).hexdigest()[:8]

    def problem(self, seed: int) -> Problem:
        """No budget, no facts of layers: the loss of the default is all that is probed."""
        return Problem(self.space, Budgets(), lambda _: NOTHING, self.loss.__getitem__, tuple, (), seed)

    def records(self) -> Records:
        """All allocations as trials for a prior."""
        problem = self.problem(0)
        features = Features(problem, measure_effects(problem))
        indices = np.array([self.space.encode(a) for a in self.loss])
        losses = np.array(list(self.loss.values()))
        return Records(features.names, features.matrix(indices), np.log(losses + TINY) - features.baseline(indices))


@cache
def tables(path: Path, space: Space) -> tuple[Table, ...]:
    """Of every model and width that the file holds in full."""
    found: dict[tuple[str, int], dict[Allocation, float]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            values = [next(v for v in knob.values if str(v) == row[knob.name]) for knob in space.knobs]
            allocation = Allocation(tuple(zip(space.names, values, strict=True)))
            found.setdefault((row["model"], int(row["weight_bits"])), {})[allocation] = float(row["loss"])
    return tuple(Table(*key, space, loss) for key, loss in found.items() if len(loss) == space.size)


def joined(records: Sequence[Records]) -> Records:
    """Records of several problems; NaN for features that one of them lacks."""
    names = tuple(dict.fromkeys(name for record in records for name in record.names))
    parts = []
    for record in records:
        columns = dict(zip(record.names, record.matrix.T, strict=True))
        missing = np.full(len(record.excess), np.nan, np.float32)
        parts.append(np.column_stack([columns.get(name, missing) for name in names]))
    return Records(names, np.vstack(parts), np.concatenate([record.excess for record in records]))
