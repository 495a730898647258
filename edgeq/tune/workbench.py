"""Tries allocations of one model on one target: quantizes, costs, judges. Each process that runs trials has one."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgeq.config import Config
from edgeq.report.metrics import Accuracy
from edgeq.search.front import resources
from edgeq.search.space import Allocation, Space
from edgeq.search.strategy import Layer
from edgeq.search.trial import Cost, Outcome
from edgeq.tune.allocating import as_costed, configured, global_knobs, layer_knobs
from edgeq.tune.footprint import Footprints
from edgeq.tune.judge import Judge
from edgeq.tune.quantizing import Quantizing
from edgeq.tune.setup import Data, Setup
from edgeq.tune.solutions import Solutions

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgeq.program.program import Program

PROBE_SAMPLES = 64
"""Calibration samples behind a probe."""

FACT_SAMPLES = 16
"""The same behind facts about layers."""


@dataclass(frozen=True)
class Tried:
    """The result of a trial.

    Attributes:
        stopped: It was hopeless, and not all samples were looked at.
    """

    outcome: Outcome
    stopped: bool


@dataclass(frozen=True)
class Surveyed:
    """What is known of an allocation without a trial.

    Attributes:
        loss: On calibration samples; None where it was not probed.
    """

    cost: Cost
    loss: float | None


@dataclass(frozen=True)
class Rival:
    """A finished trial, as far as others are held against it."""

    cost: Cost
    loss: float

    def no_dearer(self, cost: Cost) -> bool:
        """Whether it takes no more of anything."""
        return all(mine <= other for mine, other in zip(resources(self.cost), resources(cost), strict=True))


class Workbench:
    """What trials share: the models that they are compared with, and everything remembered between them."""

    def __init__(self, setup: Setup) -> None:
        import onnx
        import onnx_ir as ir

        from edgeq.targets.load import load_target

        self.setup = setup
        self.reference = ir.from_proto(onnx.load_from_string(setup.model))
        self._quantizing = Quantizing(self.reference, setup.calib, Solutions(setup.shared))
        self._footprints = Footprints(load_target(setup.config.target))
        self._costs: dict[Allocation, Cost] = {}
        self._probes: dict[Allocation, float] = {}

    def space(self) -> Space:
        """What there is to choose, as far as the target has kernels for it."""

        def works(option: str, layers: Sequence[str], bits: int) -> bool:
            config = replace(self.setup.config, layers={layer: {option: bits} for layer in layers})
            return self._footprints.has_kernels(self._program(self._quantizing.outline(config)))

        return Space((*global_knobs(len(self.setup.calib)), *layer_knobs(self.reference, works)))

    def cost(self, allocation: Allocation) -> Cost:
        """What an allocation takes of the target: one trial's outcome may differ by the bytes of a kernel more or less.

        Raises:
            EdgeqError: It cannot be quantized so, or the target has no kernel for it.
        """
        costed = self._costed(allocation)
        if costed not in self._costs:
            self._costs[costed] = self._cost(self._quantizing.outline(self._config(costed)))
        return self._costs[costed]

    def probe(self, allocation: Allocation) -> float:
        """`Outcome.loss` on calibration samples.

        Raises:
            EdgeqError: It cannot be quantized so.
        """
        if allocation not in self._probes:
            self._probes[allocation] = self._probing.judge(self._model(allocation)).loss
        return self._probes[allocation]

    def survey(self, allocation: Allocation, probed: bool) -> Surveyed:
        """`cost`, and `probe` if it is wanted.

        Raises:
            EdgeqError: As they do.
        """
        return Surveyed(self.cost(allocation), self.probe(allocation) if probed else None)

    def knows(self, allocation: Allocation, probed: bool) -> bool:
        """Whether `survey` would look at nothing new."""
        return self._costed(allocation) in self._costs and (allocation in self._probes or not probed)

    def remember(self, allocation: Allocation, surveyed: Surveyed) -> None:
        """Takes over what another workbench has found out."""
        self._costs[self._costed(allocation)] = surveyed.cost
        if surveyed.loss is not None:
            self._probes[allocation] = surveyed.loss

    def layers(self) -> tuple[Layer, ...]:
        """Facts about the layers, on a few calibration samples."""
        from edgeq.tune.facts import layer_facts

        few = self.setup.calib.take(np.arange(min(FACT_SAMPLES, len(self.setup.calib))))
        return layer_facts(self.reference, few.inputs)

    def run(self, allocation: Allocation, rivals: Sequence[Rival]) -> Tried:
        """One trial.

        Args:
            rivals: What the allocation must beat: the trial is stopped when it surely loses more than one of them that
                takes no more of the target.

        Raises:
            EdgeqError: It cannot be quantized so, or the target has no kernel for it.
        """
        start = time.perf_counter()
        model = self._model(allocation)
        cost = self._cost(model)
        ceiling = min((rival.loss for rival in rivals if rival.no_dearer(cost)), default=math.inf)
        found = self._seeing.judge(model, ceiling)
        seconds = time.perf_counter() - start
        return Tried(Outcome(cost, found.loss, found.drop, found.samples, seconds), found.stopped)

    def measure_held(self, allocation: Allocation) -> Accuracy:
        """The metric on the samples that no trial sees."""
        return self._holding.accuracy(self._model(allocation))

    def _config(self, allocation: Allocation) -> Config:
        return configured(self.setup.config, allocation)

    def _costed(self, allocation: Allocation) -> Allocation:
        return as_costed(allocation, len(self.setup.calib))

    def _model(self, allocation: Allocation) -> ir.Model:
        return self._quantizing.model(self._config(allocation))

    def _cost(self, model: ir.Model) -> Cost:
        return self._footprints.cost(self._program(model))

    def _program(self, model: ir.Model) -> Program:
        from edgeq.program.builder import Interface, build
        from edgeq.program.rewrites import optimize, share_memory

        config = self.setup.config
        built = build(model, "model", Interface(config.io_layout, config.input_type, config.io))
        return share_memory(optimize(built.program))

    @cached_property
    def _seeing(self) -> Judge:
        return self._judge(self.setup.seen)

    @cached_property
    def _holding(self) -> Judge:
        return self._judge(self.setup.held)

    @cached_property
    def _probing(self) -> Judge:
        return self._judge(self.setup.calib.take(np.arange(min(PROBE_SAMPLES, len(self.setup.calib)))))

    def _judge(self, data: Data) -> Judge:
        return Judge(self.reference, data.inputs, data.labels, self.setup.config.metric)
