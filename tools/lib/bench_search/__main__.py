"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import venv
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from bench_search.contest import SEEDS, Entry, contest, levels
from bench_search.quantune import SPACE, sweep
from bench_search.race import within
from bench_search.summary import TEXT, markdown
from bench_search.tables import joined, tables
from bench_search.widths import Widths, records_of
from bench_search.zoo import MODELS, ROOT
from edgeq.search.surrogate import Records, train_prior

OUT = ROOT / "benchmarks"
QUANTUNE, RACES = OUT / "quantune.csv", OUT / "search.csv"
PRIOR = ROOT / "edgeq/search/prior.ubj"
ENVIRONMENT = ROOT / "build/optuna-venv"
OPTUNA = "optuna==4.9.0"
SAMPLE = 300
"""Random allocations within the budget that random search shuffles, and that levels come from."""

MOST = 100
"""Trials after which a strategy gives up on widths."""
HEAD = ("space", "model", "strategy", "seed", "share", "level", "trials", "probes")


def main() -> None:
    parser = argparse.ArgumentParser(description="Races search strategies; writes benchmarks/search.csv.")
    parser.add_argument("models", nargs="*", default=MODELS, choices=[*MODELS, []], metavar="MODEL", help="only these")
    parser.add_argument("--prior", action="store_true", help="train edgeq/search/prior.ubj on all that was measured")
    arguments = parser.parse_args()
    sweep(QUANTUNE, tuple(arguments.models))
    if arguments.prior:
        train_prior(records(MODELS)).save_model(PRIOR)
        return
    python = ensure_optuna()
    with RACES.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for model in arguments.models:
            writer.writerows(races(model, python))
            file.flush()
    table = markdown(RACES)
    print(table)
    RACES.with_suffix(".md").write_text(TEXT + table + "\n")


def records(models: Iterable[str]) -> Records:
    """Everything that was measured of these models."""
    known = [table.records() for table in tables(QUANTUNE, SPACE) if table.model in models]
    return joined([*known, *(records_of(Widths(model, OUT)) for model in models)])


def races(model: str, python: Path) -> Iterable[tuple[object, ...]]:
    """Rows of both spaces; the prior of xgboost knows the other models only."""
    others = records([other for other in MODELS if other != model])
    for table in tables(QUANTUNE, SPACE):
        if table.model == model:
            goals = levels(list(table.loss.values()), (1,))
            found = contest(table.problem, list(table.loss.values()), goals, others, SPACE.size, python)
            yield from rows(f"quantune at {table.weight_bits} bits", model, found)
    widths = Widths(model, OUT)
    sample = [widths.loss(allocation) for allocation in islice(within(widths.problem(SEEDS)), SAMPLE)]
    goals = levels(sample, (SAMPLE // 50, 1), widths.loss(widths.uniform))
    found = contest(widths.problem, sample, goals, others, MOST, python)
    yield from rows("widths", model, found)
    widths.save()


def rows(space: str, model: str, entries: Iterable[Entry]) -> Iterable[tuple[object, ...]]:
    """As in the file."""
    for e in entries:
        yield space, model, e.strategy, e.seed, f"{e.level.share:.4f}", f"{e.level.loss:.6g}", e.trials, e.probes


def ensure_optuna() -> Path:
    """The interpreter of an environment with Optuna, which is made where it is missing."""
    python = ENVIRONMENT / "bin/python"
    if not python.exists():
        print(f"installing {OPTUNA}", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", OPTUNA], check=True)
    return python


main()
