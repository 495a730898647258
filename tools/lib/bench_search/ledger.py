"""The file of the races: what each strategy found with each seed, and the levels of loss that count."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_search.contest import Level, Run

HEAD = ("space", "model", "data", "strategy", "seed", "probes", "trials", "improvements")
LEVEL = "level"
"""In place of a strategy: the row is a level of loss, and its last column the share that reaches it, and the loss."""


@dataclass(frozen=True)
class Race:
    """What strategies ran on.

    Attributes:
        data: Digest of the losses: runs on others do not compare.
    """

    space: str
    model: str
    data: str


@dataclass(frozen=True)
class Curve:
    """How the least loss fell.

    Attributes:
        trials: So many were run.
        improvements: (number of the trial from 1, its loss), for those that lost less than all before.
    """

    trials: int
    probes: int
    improvements: tuple[tuple[int, float], ...]

    def trials_to(self, level: float) -> float:
        """The first trial that lost no more; infinite if none."""
        return next((float(trial) for trial, loss in self.improvements if loss <= level), np.inf)

    def least(self, trials: int) -> float:
        """The least loss of the first trials; infinite before the first."""
        return min((loss for trial, loss in self.improvements if trial <= trials), default=np.inf)


class Ledger:
    """Adds to the file; runs that it holds are not made again.

    Args:
        forgotten: Strategy whose runs are.
    """

    def __init__(self, path: Path, forgotten: str | None = None) -> None:
        self.path = path
        self._rows = [row for row in _read(path) if row[3] != forgotten]

    def begin(self, race: Race, levels: Sequence[Level]) -> set[tuple[str, int]]:
        """Strategies and seeds that are known; what is known of the race with other data is dropped."""
        outdated = [row for row in self._rows if row[:2] == [race.space, race.model] and row[2] != race.data]
        self._rows = [row for row in self._rows if row not in outdated and row[:4] != [*_key(race), LEVEL]]
        for i, level in enumerate(levels):
            self._rows.append([*_key(race), LEVEL, str(i), "", "", f"{level.share:.4f}:{level.loss:.6g}"])
        with self.path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEAD, *self._rows])
        return {(row[3], int(row[4])) for row in self._rows if row[:3] == _key(race)}

    def add(self, race: Race, run: Run) -> None:
        """Writes a run at once."""
        best = np.minimum.accumulate(run.losses)
        found = [f"{i + 1}:{loss:.6g}" for i, loss in enumerate(best) if i == 0 or loss < best[i - 1]]
        row = [*_key(race), run.strategy, str(run.seed), str(run.probes), str(len(run.losses)), " ".join(found)]
        self._rows.append(row)
        with self.path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)

    def races(self) -> Iterator[tuple[Race, list[Level], dict[str, list[Curve]]]]:
        """Each with its levels, and the curves of every strategy."""
        for race in dict.fromkeys(Race(*row[:3]) for row in self._rows):
            mine = [row for row in self._rows if row[:3] == _key(race)]
            levels = [Level(loss, share) for row in mine if row[3] == LEVEL for share, loss in _pairs(row[7])]
            curves: dict[str, list[Curve]] = {}
            for *_, strategy, _seed, probes, trials, best in (row for row in mine if row[3] != LEVEL):
                steps = tuple((int(trial), loss) for trial, loss in _pairs(best))
                curves.setdefault(strategy, []).append(Curve(int(trials), int(probes), steps))
            yield race, levels, curves


def _key(race: Race) -> list[str]:
    return [race.space, race.model, race.data]


def _pairs(text: str) -> list[tuple[float, float]]:
    """Of numbers, `a:b c:d`."""
    return [(float(first), float(second)) for first, second in (pair.split(":") for pair in text.split())]


def _read(path: Path) -> list[list[str]]:
    """Without the head."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]
