"""Optuna's samplers as strategies of edgeq."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edgeq.search.space import Allocation
from edgeq.search.strategy import Problem
from edgeq.search.trial import Trial

RUNNER = Path(__file__).with_name("run_optuna.py")
TRIES = 2000
"""Proposals in a row that are over the budget or known: then the peer has nothing new."""


class Optuna:
    """A sampler that is told the cost of what is over the budget, and the loss of the rest; neither is a trial.

    Args:
        python: Of an environment with Optuna.
    """

    def __init__(self, problem: Problem, sampler: Literal["tpe", "genetic"], python: Path) -> None:
        self.problem = problem
        self.losses: dict[Allocation, float] = {}
        pipe = subprocess.PIPE
        self._peer = subprocess.Popen([python, RUNNER], stdin=pipe, stdout=pipe, text=True)
        sizes = [len(knob.values) for knob in problem.space.knobs]
        self._say({"values": sizes, "sampler": sampler, "seed": problem.seed})

    def ask(self, count: int) -> list[Allocation]:
        """One allocation whatever `count` is: the samplers learn from each."""
        assert self._peer.stdout is not None
        budgets = self.problem.budgets
        for _ in range(TRIES):
            allocation = self.problem.space.decode(json.loads(self._peer.stdout.readline()))
            over = budgets.excess(budgets.over_cost(self.problem.cost(allocation)))
            if not over and allocation not in self.losses:
                return [allocation]
            self._say({"loss": self.losses.get(allocation), "over": over})
        return []

    def tell(self, trials: Sequence[Trial]) -> None:
        """The outcome of what was asked for last."""
        for trial in trials:
            assert trial.outcome is not None
            self.losses[trial.allocation] = trial.outcome.loss
            self._say({"loss": trial.outcome.loss, "over": 0.0})

    def notes(self) -> list[str]:
        """None: a sampler tells nothing."""
        return []

    def close(self) -> None:
        """Ends the peer."""
        self._peer.communicate()

    def _say(self, message: dict[str, object]) -> None:
        assert self._peer.stdin is not None
        self._peer.stdin.write(json.dumps(message) + "\n")
        self._peer.stdin.flush()
