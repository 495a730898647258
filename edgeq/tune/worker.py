"""What a worker process does: it keeps one workbench, and runs trials on it."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.errors import EdgeqError
from edgeq.report.metrics import Accuracy
from edgeq.search.space import Allocation
from edgeq.tune.setup import Setup
from edgeq.tune.workbench import Rival, Tried, Workbench

_KEPT: dict[str, Workbench] = {}


@dataclass(frozen=True)
class Task:
    """One trial, as it is sent to a worker; see `Workbench.run`.

    Attributes:
        key: `Setup.key`.
    """

    key: str
    allocation: Allocation
    rivals: tuple[Rival, ...] = ()


def run_trial(setup: Setup, task: Task) -> Tried | str:
    """The result of a trial, or why it failed."""
    try:
        return _workbench(setup, task.key).run(task.allocation, task.rivals)
    except EdgeqError as error:
        return str(error)


def measure_held(setup: Setup, task: Task) -> Accuracy:
    """The accuracy of an allocation on the samples that no trial sees."""
    return _workbench(setup, task.key).measure_held(task.allocation)


def _workbench(setup: Setup, key: str) -> Workbench:
    """That of this process; the setup is looked at only where there is none for it yet."""
    if key not in _KEPT:
        _KEPT.clear()
        _KEPT[key] = Workbench(setup)
    return _KEPT[key]
