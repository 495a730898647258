"""What a worker process does: it keeps one workbench, and runs trials on it."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.errors import EdgeqError
from edgeq.report.metrics import Accuracy
from edgeq.search.space import Allocation
from edgeq.tune.setup import Setup
from edgeq.tune.workbench import Rival, Surveyed, Tried, Workbench

_KEPT: dict[str, Workbench] = {}


@dataclass(frozen=True)
class Task:
    """One trial, as it is sent to a worker; see `Workbench.run`.

    Attributes:
        key: `Setup.key`.
        probed: For `survey`.
    """

    key: str
    allocation: Allocation
    rivals: tuple[Rival, ...] = ()
    probed: bool = False


def run_trial(setup: Setup, task: Task) -> Tried | str:
    """The result of a trial, or why it failed."""
    try:
        return _workbench(setup, task.key).run(task.allocation, task.rivals)
    except EdgeqError as error:
        return str(error)


def survey(setup: Setup, task: Task) -> Surveyed | None:
    """What can be known of an allocation without a trial; None where it cannot be quantized so."""
    try:
        return _workbench(setup, task.key).survey(task.allocation, task.probed)
    except EdgeqError:
        return None


def measure_held(setup: Setup, task: Task) -> Accuracy:
    """The accuracy of an allocation on the samples that no trial sees."""
    return _workbench(setup, task.key).measure_held(task.allocation)


def keep(bench: Workbench) -> None:
    """Lets the tasks of this process run on a workbench that is there already."""
    _KEPT.clear()
    _KEPT[bench.setup.key] = bench


def _workbench(setup: Setup, key: str) -> Workbench:
    """That of this process; the setup is looked at only where there is none for it yet."""
    if key not in _KEPT:
        keep(Workbench(setup))
    return _KEPT[key]
