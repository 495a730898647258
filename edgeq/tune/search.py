"""The loop of a search: asks the strategy, claims, runs, stores, tells."""

from __future__ import annotations

from concurrent.futures import Future
from queue import Empty, Queue

from edgeq.errors import EdgeqError
from edgeq.progress import Progress
from edgeq.search.front import pareto_front
from edgeq.search.store import Claim, Study
from edgeq.search.strategy import Strategy
from edgeq.search.trial import Trial
from edgeq.tune.executors import Executor
from edgeq.tune.workbench import Rival, Tried
from edgeq.tune.worker import Task, run_trial

POLL_SECONDS = 5.0
"""Time between two looks at the database while trials run; leases are renewed then."""

OTHERS_SECONDS = 1.0
"""The same while only other processes work."""


class Search:
    """Runs trials of a study until there are as many as wanted, those of other processes included.

    Args:
        key: Of the setup that the executor's workers have.
        wanted: Trials of the study in all.
        progress: Told (trials done, wanted).
    """

    def __init__(
        self,
        study: Study,
        strategy: Strategy,
        executor: Executor,
        key: str,
        wanted: int,
        progress: Progress,
    ) -> None:
        self._study, self._strategy, self._executor = study, strategy, executor
        self._key, self._wanted, self._progress = key, wanted, progress
        self._done: Queue[tuple[Claim, Future[Tried | str]]] = Queue()
        self._running: dict[int, Claim] = {}
        self._known: dict[int, Trial] = {}

    def run(self) -> list[Trial]:
        """All trials of the study, by number; fewer than wanted where the strategy has no more to propose."""
        self._learn()
        while len(self._known) < self._wanted and (self._start() or self._running or self._others_work()):
            self._collect()
            self._study.renew(list(self._running.values()))
            self._learn()
        return [self._known[number] for number in sorted(self._known)]

    def _learn(self) -> None:
        """Takes in what is new in the study, by whomever."""
        new = [trial for trial in self._study.trials() if trial.number not in self._known]
        self._known |= {trial.number: trial for trial in new}
        self._strategy.tell(new)
        self._progress("trials", len(self._known), self._wanted)

    def _start(self) -> bool:
        """Gives idle workers something to do; False where there is nothing."""
        idle = self._executor.workers - len(self._running)
        claims = self._study.take_over(idle) if idle else []
        if len(claims) < idle:
            claims += self._study.claim(self._strategy.ask(idle - len(claims)), self._wanted)
        for claim in claims:
            self._submit(claim)
        return bool(claims)

    def _submit(self, claim: Claim) -> None:
        self._running[claim.id] = claim
        task = Task(self._key, claim.allocation, self._rivals())
        future = self._executor.submit(run_trial, task)
        future.add_done_callback(lambda done: self._done.put((claim, done)))

    def _rivals(self) -> tuple[Rival, ...]:
        front = pareto_front(list(self._known.values()))
        return tuple(Rival(t.outcome.cost, t.outcome.loss) for t in front if t.outcome is not None)

    def _others_work(self) -> bool:
        """Whether another process holds claims, whose results are worth waiting for."""
        return self._study.claimed() > 0

    def _collect(self) -> None:
        """Stores what is finished; waits for the first."""
        try:
            self._store(*self._done.get(timeout=POLL_SECONDS if self._running else OTHERS_SECONDS))
            while True:
                self._store(*self._done.get_nowait())
        except Empty:
            return

    def _store(self, claim: Claim, future: Future[Tried | str]) -> None:
        del self._running[claim.id]
        result = _result(future)
        if isinstance(result, str):
            self._study.finish(claim, None, error=result)
        else:
            self._study.finish(claim, result.outcome, stopped=result.stopped)


def _result(future: Future[Tried | str]) -> Tried | str:
    try:
        return future.result()
    except Exception as error:  # whatever the pool or the cluster raises for a worker that is gone
        lost = f"a worker of the search ended without a result: {type(error).__name__}: {error}"
        raise EdgeqError(lost, fix="run the same command again: finished trials are kept") from error
