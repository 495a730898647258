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


class Peer:
    """A process with Optuna, which serves one study after the other.

    Args:
        python: Of an environment with Optuna.
    """

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen([python, RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, message: dict[str, object]) -> list[int]:
        """What the sampler proposes next, as indices of values, after it was told something."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        found: list[int] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


class Optuna:
    """A sampler that is told the cost of what is over the budget, and the loss of the rest; neither is a trial.

    Only the one that was made last may be used of those that share a peer.
    """

    def __init__(self, problem: Problem, sampler: Literal["tpe", "genetic"], peer: Peer) -> None:
        self.problem = problem
        self.losses: dict[Allocation, float] = {}
        self._peer = peer
        sizes = [len(knob.values) for knob in problem.space.knobs]
        self._proposed = peer.ask({"values": sizes, "sampler": sampler, "seed": problem.seed})

    def ask(self, count: int) -> list[Allocation]:
        """One allocation whatever `count` is: the samplers learn from each."""
        budgets = self.problem.budgets
        for _ in range(TRIES):
            allocation = self.problem.space.decode(self._proposed)
            over = budgets.excess(budgets.over_cost(self.problem.cost(allocation)))
            if not over and allocation not in self.losses:
                return [allocation]
            self._proposed = self._peer.ask({"loss": self.losses.get(allocation), "over": over})
        return []

    def tell(self, trials: Sequence[Trial]) -> None:
        """The outcome of what was asked for last."""
        for trial in trials:
            assert trial.outcome is not None
            self.losses[trial.allocation] = trial.outcome.loss
            self._proposed = self._peer.ask({"loss": trial.outcome.loss, "over": 0.0})

    def notes(self) -> list[str]:
        """None: a sampler tells nothing."""
        return []
