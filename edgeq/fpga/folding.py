"""Chooses how parallel each stage is: the slowest one gets more multipliers, as long as the device has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

from edgeq.errors import GateError
from edgeq.fpga.cost import Cost, CostModel
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.fpga.stage_kind import Kind
from edgeq.program.ops import Conv2D, Dense
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import geometry

MAX_INPUTS = 64
"""Products of one sum and cycle: longer adder trees miss the clock."""


@dataclass(frozen=True)
class Budget:
    """What the design may take.

    Attributes:
        dsp, bram: Of the device.
        clock_mhz: Cycles per microsecond.
        fps: Inferences per second that are enough; None for as many as fit.
        shifts: Products by a power of two at once; None for as many as DSP slices. Logic is not modelled, so that
            something must end the growth of what takes nothing else.
    """

    dsp: int
    bram: int
    clock_mhz: float
    fps: float | None = None
    shifts: int | None = None

    def admits(self, design: Design) -> bool:
        """Whether a design stays within the device."""
        most = self.dsp if self.shifts is None else self.shifts
        return design.dsp <= self.dsp and design.bram <= self.bram and design.shifts <= most


@dataclass(frozen=True, eq=False)
class Design:
    """A dataflow with its folds.

    Attributes:
        folds, costs: Of the stages, in their order.
    """

    flow: Dataflow
    folds: tuple[Fold, ...]
    costs: tuple[Cost, ...]

    @property
    def interval(self) -> int:
        """Cycles from one inference to the next: those of the slowest stage."""
        return max(cost.cycles for cost in self.costs)

    @property
    def latency(self) -> int:
        """Cycles of one inference, if no two stages ever worked at the same time: an upper bound."""
        return sum(cost.latency or cost.cycles for cost in self.costs)

    @property
    def dsp(self) -> int:
        return sum(cost.dsp for cost in self.costs)

    @property
    def bram(self) -> int:
        return sum(cost.bram for cost in self.costs)

    @property
    def shifts(self) -> int:
        return sum(cost.shifts for cost in self.costs)

    def with_fold(self, stage: int, fold: Fold, cost: Cost) -> Design:
        """The same with another fold of one stage."""
        folds = (*self.folds[:stage], fold, *self.folds[stage + 1 :])
        return Design(self.flow, folds, (*self.costs[:stage], cost, *self.costs[stage + 1 :]))

    def fps(self, clock_mhz: float) -> float:
        """Inferences per second."""
        return clock_mhz * 1e6 / self.interval


def fold(flow: Dataflow, budget: Budget, cost: CostModel) -> Design:
    """The fastest design within the budget, or the smallest that is fast enough.

    Raises:
        GateError: The smallest design does not fit, or none that fits is fast enough: names what binds.
    """
    design = _smallest(flow, cost)
    _require_fit(design, budget)
    while budget.fps is None or design.fps(budget.clock_mhz) < budget.fps:
        faster = _faster(design, budget, cost)
        if faster is None:
            break
        design = faster
    if budget.fps is not None and design.fps(budget.clock_mhz) < budget.fps:
        raise GateError(_too_slow(design, budget), fix="raise --max-dsp or --max-bram, or lower --target-fps")
    return design


def _smallest(flow: Dataflow, cost: CostModel) -> Design:
    return Design(flow, (Fold(),) * len(flow.stages), tuple(cost(stage, Fold(), flow) for stage in flow.stages))


def _faster(design: Design, budget: Budget, cost: CostModel) -> Design | None:
    """The design with more multipliers in its slowest stage; None where they do not help or do not fit."""
    slowest = max(range(len(design.costs)), key=lambda i: design.costs[i].cycles)
    stage = design.flow.stages[slowest]
    if stage.kind(design.flow.program) != Kind.WINDOW:
        return None
    for fold in larger_folds(stage, design.folds[slowest]):
        candidate = design.with_fold(slowest, fold, cost(stage, fold, design.flow))
        sooner = candidate.costs[slowest].cycles < design.costs[slowest].cycles
        if sooner and budget.admits(candidate):
            return candidate
    return None


def larger_folds(stage: Stage, present: Fold) -> Iterator[Fold]:
    """Folds of more products, the ones with the fewest first; of equals, the longer sums."""
    (op,) = stage.ops
    assert isinstance(op, Conv2D | Dense) or op.kind.endswith("pool")
    shape = geometry(op)  # type: ignore[arg-type]
    outputs = shape.out_channels if shape.depthwise else shape.group_outputs
    inputs = [n for n in _divisors(shape.group_inputs) if n <= MAX_INPUTS]
    folds = (Fold(o, i) for o in _divisors(outputs) for i in inputs)
    larger = (f for f in folds if f.products > present.products)
    yield from sorted(larger, key=lambda f: (f.products, f.outputs))


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if gcd(n, number) == n]


def _require_fit(design: Design, budget: Budget) -> None:
    dsp = ("DSP slices", design.dsp, budget.dsp, "raise --max-dsp where the device has more")
    bram = ("block RAMs", design.bram, budget.bram, "--weight-bits 4, or raise --max-bram where the device has more")
    over = [row for row in (dsp, bram) if row[1] > row[2]]
    if over:
        parts = (f"{needed} {what} are {needed - limit} over the budget of {limit}" for what, needed, limit, _ in over)
        fixes = (fix for *_, fix in over)
        raise GateError(f"the smallest design does not fit: {'; '.join(parts)}", fix="; ".join(fixes))


def _too_slow(design: Design, budget: Budget) -> str:
    slowest = max(zip(design.costs, design.flow.stages, strict=True), key=lambda pair: pair[0].cycles)[1]
    name = slowest.ops[0].name if slowest.ops else slowest.symbol
    return (
        f"{design.fps(budget.clock_mhz):.1f} inferences per second are below the target of {budget.fps:g} "
        f"({design.dsp} of {budget.dsp} DSP slices, {design.bram} of {budget.bram} block RAMs; slowest: {name!r})"
    )
