"""From the cycles of all trials to the schedule of each shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edgeq.run.artifact import Artifact
from edgeq.targets.dsp.schedule import CANDIDATES, Choice, Schedule, Shape, default_schedule
from edgeq.targets.target import Target
from tune_kernels.trial import arena_bytes

Cycles = Mapping[Shape, Mapping[Schedule, int]]
"""Cycles of all kernel calls of a shape, by schedule."""

WORTH = 0.99
"""A schedule is taken if it needs at most this share of the default's cycles."""


def by_shape(shapes: Sequence[Shape | None], measured: Mapping[Schedule, Sequence[int]]) -> Cycles:
    """Sums over the calls of a model.

    Args:
        measured: Cycles of each call, by schedule.
    """
    found: dict[Shape, dict[Schedule, int]] = defaultdict(lambda: dict.fromkeys(measured, 0))
    for schedule, cycles in measured.items():
        for shape, count in zip(shapes, cycles, strict=True):
            if shape is not None:
                found[shape][schedule] += count
    return found


def added(models: Iterable[Cycles]) -> Cycles:
    """Sums over models."""
    total: dict[Shape, dict[Schedule, int]] = {}
    for model in models:
        for shape, cycles in model.items():
            before = total.get(shape, dict.fromkeys(cycles, 0))
            total[shape] = {schedule: before[schedule] + count for schedule, count in cycles.items()}
    return total


def best(cycles: Cycles, target: Target, barred: frozenset[Shape] = frozenset()) -> dict[Shape, Schedule]:
    """The schedule of the fewest cycles for each shape for which the default is not as good.

    Args:
        barred: Shapes whose weights may not be near.
    """
    result = {}
    for shape, counts in cycles.items():
        allowed = {s: n for s, n in counts.items() if not (s.near and shape in barred)}
        choice = min(allowed, key=lambda schedule: allowed[schedule])
        if allowed[choice] <= WORTH * allowed[default_schedule(shape, target)]:
            result[shape] = choice
    return result


def too_large(artifact: Artifact, chosen: Mapping[Shape, Schedule], target: Target) -> frozenset[Shape]:
    """Shapes whose weights, brought near, would make a model's arena larger."""
    least = arena_bytes(artifact, target, choice(chosen, near=frozenset()))
    near = [shape for shape, schedule in chosen.items() if schedule.near]
    return frozenset(s for s in near if arena_bytes(artifact, target, choice(chosen, near=frozenset({s}))) > least)


def choice(chosen: Mapping[Shape, Schedule], near: frozenset[Shape]) -> Choice:
    """The chosen schedules, weights near only for some shapes."""

    def choose(shape: Shape, target: Target) -> Schedule:
        schedule = chosen.get(shape, default_schedule(shape, target))
        return replace(schedule, near=schedule.near and shape in near)

    return choose


def candidates(shapes: Iterable[Shape | None], target: Target) -> tuple[Schedule, ...]:
    """All that are tried: those of the kernels, and every shape's default."""
    defaults = {default_schedule(shape, target): None for shape in shapes if shape is not None}
    return tuple(dict.fromkeys((*defaults, *CANDIDATES)))
