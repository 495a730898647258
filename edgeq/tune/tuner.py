"""Tunes a model for a target: from the files to the Pareto front and the allocation that is best within the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgeq.config import Config
from edgeq.errors import GateError, UsageError
from edgeq.progress import Progress
from edgeq.search.front import pareto_front
from edgeq.search.strategy import Problem, make_strategy
from edgeq.search.trial import Budgets, Trial
from edgeq.tune.allocating import uniform
from edgeq.tune.choosing import best_trial, explain, nearest_trial
from edgeq.tune.executors import Executor, open_executor, processors
from edgeq.tune.naming import about, study_place
from edgeq.tune.rows import front_row, trial_counts
from edgeq.tune.search import Search
from edgeq.tune.setup import Setup, prepare
from edgeq.tune.surveying import surveyor
from edgeq.tune.workbench import Workbench
from edgeq.tune.worker import Task, keep, measure_held

if TYPE_CHECKING:
    from edgeq.search.space import Space
    from edgeq.search.store import Study


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a search found.

    Attributes:
        setup: The model and data of its trials.
        best: The trial to compile.
        report: As `edgeq tune --json` shows it.
    """

    setup: Setup
    best: Trial
    report: dict[str, Any]


def tune_model(model: Path, config: Config, progress: Progress) -> Tuned:
    """Searches for the quantization that loses least within budgets.

    Raises:
        EdgeqError: The model, the data, the database or the cluster cannot be used.
        UsageError: An option is wrong.
        GateError: No trial is within the budgets; names those that the nearest one misses.
    """
    with TemporaryDirectory(prefix="edgeq-tune-") as shared:
        return _tuned(model, config, Path(shared), progress)


def budgets_of(config: Config) -> Budgets:
    """The budgets of a configuration."""
    return Budgets(config.max_flash, config.max_weights, config.max_ram, config.max_cycles, config.max_loss)


def _tuned(model: Path, config: Config, shared: Path, progress: Progress) -> Tuned:
    budgets = budgets_of(config)
    progress("load model", 0, 0)
    setup = replace(prepare(model, config), shared=shared)
    bench = Workbench(setup)
    keep(bench)
    progress("find kernels", 0, 0)
    space = bench.space()
    if budgets.max_cycles is not None and bench.cost(space.default()).cycles is None:
        raise UsageError(f"edgeq has no model of cycles for {config.target}", fix="leave out --max-cycles")
    study, start = _study(model, config, setup, space), tuple(uniform(space))
    with open_executor(setup, config.cluster, config.jobs or processors()) as executor:
        survey = surveyor(bench, executor, progress)
        measured = bench.cost, bench.probe, bench.layers
        problem = Problem(space, budgets, *measured, start, config.seed, survey, config.inter_layer == "on")
        strategy = make_strategy(config.strategy, problem)
        trials = Search(study, strategy, executor, setup.key, config.trials, progress).run()
        front = pareto_front(trials)
        rows = _rows(front, executor, setup.key, progress)
    best = best_trial(front, budgets)
    report = {
        "model": str(model),
        "target": setup.config.target,
        "study": study_place(model, config),
        "strategy": config.strategy,
        "trials": trial_counts(trials),
        "budgets": budgets.given,
        "front": rows,
        "best": None if best is None else best.number,
        "notes": strategy.notes(),
    }
    if best is None:
        raise _unmet(trials, budgets, report)
    return Tuned(setup, best, report)


def _study(model: Path, config: Config, setup: Setup, space: Space) -> Study:
    """The study of these data and this space, new or from an earlier call."""
    from edgeq.search.studies import begin_study, space_json

    key = sha256(f"{setup.key} {space_json(space)}".encode()).hexdigest()
    return begin_study(study_place(model, config), key, space, about(model, config))


def _rows(front: Sequence[Trial], executor: Executor, key: str, progress: Progress) -> list[dict[str, Any]]:
    """The front as the report has it, with the accuracy on samples that no trial has seen."""
    waiting = [executor.submit(measure_held, Task(key, trial.allocation)) for trial in front]
    rows = []
    for trial, future in zip(front, waiting, strict=True):
        rows.append(front_row(trial, future.result()))
        progress("measure the front", len(rows), len(front))
    return rows


def _unmet(trials: Sequence[Trial], budgets: Budgets, report: dict[str, Any]) -> GateError:
    """The error for a search in which nothing is within the budgets."""
    nearest = nearest_trial(trials, budgets)
    if nearest is None or nearest.outcome is None:
        reasons = {trial.error for trial in trials}
        return GateError(f"none of {len(trials)} trials could be run: {'; '.join(map(str, reasons))}", report=report)
    missed = explain(nearest.outcome, budgets)
    fix = "relax that budget, or try more with --trials"
    return GateError(
        f"none of {len(trials)} trials is within the budgets; the nearest misses {missed}", fix=fix, report=report
    )
