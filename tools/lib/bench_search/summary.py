"""The races as a table for people."""

from __future__ import annotations

import numpy as np

from bench_search.contest import SEEDS
from bench_search.ledger import Curve, Ledger

DRAWN = 100
"""Trials in the picture."""

TEXT = """\
# Trials that search strategies need

Made by `tools/bench_search`: the median over 20 seeds (one for the grid; fewer where it is said) of the trials until
a level of loss (Kullback-Leibler divergence from the float answers) is reached, `inf` where more than 100 (random:
300) would be needed. `share` of random allocations within the budget reach the level. `quantune`: 96 configurations of
a whole model, measured exhaustively (quantune.csv); the level is the best of them. `widths`: 8, 4 or 2 bits for the
weights of each layer within half of the packed weights; its last level is what all weights at 4 bits lose. The prior
of xgboost has never seen the model. `probes` are losses that xgboost looks at besides its trials, at most: on widths it
first tries what training-free proxies answer, and where these reach the level it probes no layer at all: on these three
models the first proxy answers with 4 bits for all weights. TPE and genetic are Optuna's, told by how much proposals are
over the budget, which costs them no trial. [The curves](search.svg) show how the least loss falls.

"""


def markdown(ledger: Ledger) -> str:
    """Medians over the seeds."""
    found = list(ledger.races())
    names = list(dict.fromkeys(name for _, _, curves in found for name in curves))
    lines = [f"| space | model | share | level | {' | '.join(names)} | probes |", "|---" * (5 + len(names)) + "|"]
    for race, levels, curves in found:
        probes = max(curve.probes for by in curves.values() for curve in by)
        for level in levels:
            medians = (_median(curves.get(name, []), level.loss) for name in names)
            cells = (race.space, race.model, f"{level.share:.4f}", f"{level.loss:.4g}", *medians, str(probes))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _median(curves: list[Curve], level: float) -> str:
    """With the number of seeds, where those are fewer than 20; empty where there are none."""
    if not curves:
        return ""
    found = f"{np.median([curve.trials_to(level) for curve in curves]):g}"
    return found + (f" ({len(curves)} seeds)" if 1 < len(curves) < SEEDS else "")


def panels(ledger: Ledger) -> list[dict[str, object]]:
    """Regret curves, as `plot_regret.py` draws them: the median over the seeds of the least loss so far.

    A run that reached the last level has ended there and keeps its loss.
    """
    found: list[dict[str, object]] = []
    for race, levels, curves in ledger.races():
        most = max(min(curve.trials, DRAWN) for by in curves.values() for curve in by)
        medians = {
            name: [float(np.median([curve.least(trial) for curve in by])) for trial in range(1, most + 1)]
            for name, by in curves.items()
        }
        title, lines = f"{race.model}, {race.space}", [level.loss for level in levels]
        found.append({"title": title, "levels": lines, "curves": medians})
    return found
