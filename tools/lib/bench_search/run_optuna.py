"""Optuna as a peer, in an environment of its own: answers over standard input and output, a line of JSON each.

In: {"values": sizes of the knobs, "sampler": "tpe" or "genetic", "seed": n}, which begins a study, or {"loss": number
or null, "over": how far over the budget} of the last proposal. Out, for each: a proposal, a list of indices.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import optuna

WORST = 100.0
"""Loss of what is over the budget: the samplers know by the constraint how far."""


def constraints(trial: optuna.trial.FrozenTrial) -> tuple[float]:
    return (trial.user_attrs["over"],)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    request = sys.stdin.readline()
    while request:
        request = study(json.loads(request))


def study(request: dict[str, Any]) -> str:
    """Proposes until another study begins; the line that began it, empty at the end."""
    seed = request["seed"]
    samplers = {
        "tpe": lambda: optuna.samplers.TPESampler(multivariate=True, seed=seed, constraints_func=constraints),
        "genetic": lambda: optuna.samplers.NSGAIISampler(population_size=20, seed=seed, constraints_func=constraints),
    }
    made = optuna.create_study(sampler=samplers[request["sampler"]]())
    while True:
        trial = made.ask()
        proposal = [trial.suggest_categorical(str(k), range(size)) for k, size in enumerate(request["values"])]
        print(json.dumps(proposal), flush=True)
        line = sys.stdin.readline()
        told = json.loads(line or "{}")
        if "loss" not in told:
            return line
        trial.set_user_attr("over", told["over"])
        made.tell(trial, WORST if told["loss"] is None else told["loss"])


main()
