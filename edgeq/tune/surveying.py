"""Finds out side by side what a strategy wants to know of single choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeq.progress import Progress
from edgeq.search.space import Allocation
from edgeq.tune.executors import Executor
from edgeq.tune.workbench import Workbench
from edgeq.tune.worker import Task, survey


def surveyor(bench: Workbench, executor: Executor, progress: Progress) -> Callable[[Sequence[Allocation], bool], None]:
    """What lets the workers of an executor survey allocations, for a workbench to remember; see `Problem.survey`."""
    key = bench.setup.key

    def all_of(allocations: Sequence[Allocation], probed: bool) -> None:
        new = [allocation for allocation in allocations if not bench.knows(allocation, probed)]
        waiting = [executor.submit(survey, Task(key, allocation, probed=probed)) for allocation in new]
        for done, (allocation, future) in enumerate(zip(new, waiting, strict=True), start=1):
            found = future.result()
            if found is not None:
                bench.remember(allocation, found)
            progress("probe layers" if probed else "cost choices", done, len(new))

    return all_of
