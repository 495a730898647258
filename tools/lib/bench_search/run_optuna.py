"""Optuna as a peer, in an environment of its own: answers over standard input and output, a line of JSON each.

In: first {"values": sizes of the knobs, "sampler": "tpe" or "genetic", "seed": n}; then, for each proposal,
{"loss": number or null, "over": how far over the budget}. Out: the proposal, a list of indices.
"""

from __future__ import annotations

import json
import sys
import warnings

import optuna

WORST = 100.0
"""Loss of what is over the budget: the samplers know by the constraint how far."""


def constraints(trial: optuna.trial.FrozenTrial) -> tuple[float]:
    return (trial.user_attrs["over"],)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    request = json.loads(sys.stdin.readline())
    seed = request["seed"]
    samplers = {
        "tpe": lambda: optuna.samplers.TPESampler(multivariate=True, seed=seed, constraints_func=constraints),
        "genetic": lambda: optuna.samplers.NSGAIISampler(population_size=20, seed=seed, constraints_func=constraints),
    }
    study = optuna.create_study(sampler=samplers[request["sampler"]]())
    while True:
        trial = study.ask()
        proposal = [trial.suggest_categorical(str(k), range(size)) for k, size in enumerate(request["values"])]
        print(json.dumps(proposal), flush=True)
        answer = sys.stdin.readline()
        if not answer:
            return
        told = json.loads(answer)
        trial.set_user_attr("over", told["over"])
        study.tell(trial, WORST if told["loss"] is None else told["loss"])


main()
