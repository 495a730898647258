"""The races as a table for people."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from bench_search.contest import SEEDS

TEXT = """\
# Trials that search strategies need

Made by `tools/bench_search`: the median over 20 seeds (one for the grid; fewer where it is said) of the trials until
a level of loss (Kullback-Leibler divergence from the float answers) is reached, `inf` where more than 100 (random:
300) would be needed. `share` of random allocations within the budget reach the level. `quantune`: 72 configurations of
a whole model, measured exhaustively (quantune.csv). `widths`: 8, 4 or 2 bits for the weights of each layer within half
of the packed weights; its last level is what all weights at 4 bits lose. The prior of xgboost has never seen the model.
`probes` are losses that xgboost looks at before its first trial, one for each choice of a single layer. TPE and genetic
are Optuna's, told by how much proposals are over the budget, which costs them no trial.

"""


def markdown(path: Path) -> str:
    """Medians over the seeds."""
    found: dict[tuple[str, ...], dict[str, list[float]]] = {}
    probes: dict[tuple[str, ...], int] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            key = (row["space"], row["model"], row["share"], row["level"])
            found.setdefault(key, {}).setdefault(row["strategy"], []).append(float(row["trials"]))
            probes[key] = max(probes.get(key, 0), int(row["probes"]))
    names = list(dict.fromkeys(name for by in found.values() for name in by))
    lines = [f"| space | model | share | level | {' | '.join(names)} | probes |", "|---" * (5 + len(names)) + "|"]
    for key, by in found.items():
        medians = (_median(by[name]) if name in by else "" for name in names)
        lines.append(f"| {' | '.join((*key, *medians))} | {probes[key]} |")
    return "\n".join(lines)


def _median(trials: list[float]) -> str:
    """With the number of seeds, where those are fewer than 20."""
    return f"{np.median(trials):g}" + (f" ({len(trials)} seeds)" if 1 < len(trials) < SEEDS else "")
