"""What a design is expected to take and to do, by stage: estimate.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeq.fpga.cost import Cost
from edgeq.fpga.folding import Budget, Design


def estimate(design: Design, budget: Budget, method: str) -> dict[str, Any]:
    """The estimate of a design; `interval` and `latency` are cycles, `bram18` block RAMs of 18 Kbit.

    `shifts` are products by powers of two, which take logic in place of DSP slices. `lut` and `ff` are there where the
    model of the costs has them.

    Args:
        method: What its figures rest on.
    """
    rows = zip(design.flow.stages, design.folds, design.costs, strict=True)
    return {
        "method": method,
        "clock_mhz": budget.clock_mhz,
        "interval": design.interval,
        "latency": design.latency,
        "inferences_per_second": round(design.fps(budget.clock_mhz), 1),
        "dsp": {"used": design.dsp, "budget": budget.dsp},
        "bram18": {"used": design.bram, "budget": budget.bram},
        "shifts": design.shifts,
        **_logic(design.costs),
        "stages": [
            {
                "name": stage.symbol,
                "layers": [op.name for op in stage.ops],
                "operators": [op.kind for op in stage.ops],
                "outputs_at_once": fold.outputs,
                "inputs_at_once": fold.inputs,
                "cycles": cost.cycles,
                "dsp": cost.dsp,
                "bram18": cost.bram,
                "shifts": cost.shifts,
                **_logic([cost]),
            }
            for stage, fold, cost in rows
        ],
    }


def _logic(costs: Sequence[Cost]) -> dict[str, int]:
    """Look-up tables and flip-flops of some stages, where they are known."""
    luts, ffs = [cost.lut for cost in costs], [cost.ff for cost in costs]
    return {
        name: sum(n for n in counts if n is not None)
        for name, counts in (("lut", luts), ("ff", ffs))
        if None not in counts
    }
