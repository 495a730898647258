"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from functools import cache
from itertools import islice, product
from pathlib import Path

from bench_search.contest import SEEDS, Level, contest, levels
from bench_search.ledger import Ledger, Race
from bench_search.peers import Peer
from bench_search.quantune import SPACE, sweep
from bench_search.race import within
from bench_search.summary import TEXT, markdown, panels
from bench_search.tables import Table, joined, tables
from bench_search.widths import Widths, records_of
from bench_search.zoo import MODELS, ROOT
from edgeq.search.space import Allocation
from edgeq.search.surrogate import Records, train_prior

OUT = ROOT / "benchmarks"
QUANTUNE, RACES = OUT / "quantune.csv", OUT / "search.csv"
PRIOR = ROOT / "edgeq/search/prior.ubj"
KEPT = ROOT / "build/bench_search"
"""Losses that were measured once, and the environment of the peers."""

PEERS = ("optuna==4.9.0", "matplotlib==3.10.7")
PLOT = Path(__file__).with_name("plot_regret.py")
SAMPLE = 300
"""Random allocations within the budget that random search shuffles, and that levels come from."""

MOST = 100
"""Trials after which a strategy gives up on widths."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Races search strategies; adds what benchmarks/search.csv lacks.")
    parser.add_argument("--model", nargs="+", default=MODELS, choices=MODELS, help="only these")
    parser.add_argument("--prior", action="store_true", help="train edgeq/search/prior.ubj on all that was measured")
    parser.add_argument("--again", metavar="STRATEGY", help="forget the runs of this strategy")
    parser.add_argument("--space", nargs="*", default=list(SPACES), help="only these; none: table and picture alone")
    arguments = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(RACES, arguments.again)
    python = ensure_peers()
    sweep(QUANTUNE, tuple(arguments.model))
    peer = Peer(python)
    for space, model in product(arguments.space, arguments.model):
        SPACES[space](model, ledger, peer)
    peer.close()
    if arguments.prior:
        train_prior(records(MODELS)).save_model(PRIOR)
    table = markdown(ledger)
    print(table)
    RACES.with_suffix(".md").write_text(TEXT + table + "\n")
    drawn = json.dumps(panels(ledger))
    subprocess.run([python, PLOT, RACES.with_suffix(".svg")], input=drawn, text=True, check=True)


def race_whole_models(model: str, ledger: Ledger, peer: Peer) -> None:
    """On Quantune's space; the prior of xgboost comes from trials on other models there."""
    others = train_prior(joined([table.records() for table in tables_of(without(model))]))
    for table in tables_of([model]):
        race, losses = Race(f"quantune at {table.weight_bits} bits", model, table.digest), list(table.loss.values())
        goals = levels(losses, (1,))
        known = ledger.begin(race, goals)
        for run in contest(table.problem, losses, goals[0].loss, others, SPACE.size, peer, known):
            ledger.add(race, run)


def race_widths(model: str, ledger: Ledger, peer: Peer) -> None:
    """On widths of layers; the prior of xgboost comes from all trials on other models."""
    found = widths(model)
    losses = [found.loss(allocation) for allocation in sample(model)]
    goals: list[Level] = levels(losses, (SAMPLE // 50, 1), found.loss(found.uniform))
    race = Race("widths", model, found.digest)
    known = ledger.begin(race, goals)
    hardest = min(goal.loss for goal in goals)
    for run in contest(found.problem, losses, hardest, train_prior(records(without(model))), MOST, peer, known):
        ledger.add(race, run)
        found.save()


SPACES = {"quantune": race_whole_models, "widths": race_widths}


@cache
def widths(model: str) -> Widths:
    """The space of widths of a model."""
    return Widths(model, KEPT)


@cache
def sample(model: str) -> tuple[Allocation, ...]:
    """Random allocations within the budget."""
    drawn = tuple(islice(within(widths(model).problem(SEEDS)), SAMPLE))
    for allocation in drawn:
        widths(model).loss(allocation)
    widths(model).save()
    return drawn


def without(model: str) -> list[str]:
    """The other models."""
    return [other for other in MODELS if other != model]


def records(models: Sequence[str]) -> Records:
    """Trials on these models, of both spaces."""
    known = [table.records() for table in tables_of(models)]
    return joined([*known, *(records_of(widths(model), sample(model)) for model in models)])


def tables_of(models: Sequence[str]) -> list[Table]:
    """What was measured of Quantune's space."""
    return [table for table in tables(QUANTUNE, SPACE) if table.model in models]


def ensure_peers() -> Path:
    """The interpreter of an environment with Optuna and Matplotlib, which is made where it is missing."""
    python = KEPT / "venv/bin/python"
    if not python.exists():
        print(f"installing {', '.join(PEERS)}", file=sys.stderr)
        venv.create(KEPT / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return python


main()
