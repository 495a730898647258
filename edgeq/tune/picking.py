"""The configuration that compiles what a search has chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgeq.config import Config
from edgeq.progress import Progress
from edgeq.search.space import Allocation
from edgeq.tune.allocating import configured
from edgeq.tune.naming import about, study_place
from edgeq.tune.setup import PRESET
from edgeq.tune.tuner import tune_model

BY_PRESET = ("rounding", "correct_bias", "calibration_samples")
"""Knobs for which thorough presets know better ways than a trial can afford: they use all samples, too."""


def picked(model: Path, config: Config, number: int) -> Config:
    """The configuration with the choices of a trial of `config.study`.

    Raises:
        UsageError: There is no such study or trial.
        EdgeqError: The database cannot be used.
    """
    from edgeq.search.studies import find_allocation

    return _chosen(config, find_allocation(study_place(model, config), number, about(model, config)))


def searched(model: Path, config: Config, progress: Progress) -> Config:
    """The configuration with the choices of the best trial of a search; accuracy is measured on what it has not seen.

    Raises:
        EdgeqError: As `tune_model`.
    """
    tuned = tune_model(model, config, progress)
    held = tuned.setup.held
    data = dict(held.inputs) if held.labels is None else {**held.inputs, "labels": held.labels}
    return replace(_chosen(config, tuned.best.allocation), eval=data)


def _chosen(config: Config, allocation: Allocation) -> Config:
    """Samples, rounding and correction are the preset's, unless that is the one that trials have."""
    if config.preset == PRESET:
        return configured(config, allocation)
    kept = tuple((name, value) for name, value in allocation.choices if name not in BY_PRESET)
    return configured(config, Allocation(kept))
