from __future__ import annotations

import numpy as np
import pytest
from program.programs import program, requantize

from edgeq.errors import GateError
from edgeq.fpga.cost import bram18
from edgeq.fpga.dataflow import Dataflow, dataflow
from edgeq.fpga.folding import Budget, fold
from edgeq.hls.cost import stage_cost, window_cycles
from edgeq.program.ops import Conv2D, Dense
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import geometry


@pytest.fixture
def flow() -> Dataflow:
    """A convolution of 24 and a fully connected layer of 5 outputs."""
    conv = Conv2D(
        "conv", "a", "x", (1, 8, 8, 16), (1, 8, 8, 24), np.full((24, 3, 3, 16), 3, np.int8), 4,
        np.zeros(24, np.int32), 3, requantize(24), pads=(1, 1, 1, 1),
    )  # fmt: skip
    dense = Dense("dense", "y", "a", 1, np.full((5, 1536), 3, np.int8), 8, np.zeros(5, np.int32), requantize(5))
    shapes = {"x": (1, 8, 8, 16), "a": (1, 8, 8, 24), "y": (1, 5)}
    return dataflow(program([conv, dense], shapes, ["x"], ["y"]))


@pytest.mark.parametrize(
    ("width", "depth", "blocks"), [(8, 64, 0), (36, 512, 1), (37, 512, 2), (8, 2048, 1), (8, 2049, 2), (1, 16384, 1)]
)
def test_block_rams_of_a_memory(width: int, depth: int, blocks: int) -> None:
    assert bram18(width, depth) == blocks


def test_cycles_of_a_convolution_by_hand(flow: Dataflow) -> None:
    stage = flow.stages[0]
    # 8 x 16 words in, 64 pixels x 24 / 4 folds x 9 taps x 16 / 8 folds, 1,536 requantized, 192 words out.
    assert stage_cost(stage, Fold(4, 8), flow).cycles == 128 + 64 * 6 * 9 * 2 + 1536 + 192
    assert stage_cost(stage, Fold(4, 8), flow).dsp == 32 + 4


def test_a_design_is_as_fast_as_the_budget_allows(flow: Dataflow) -> None:
    small, large = (fold(flow, Budget(dsp, 280, 100.0), stage_cost) for dsp in (20, 200))
    assert small.dsp <= 20 < large.dsp <= 200
    assert large.interval < small.interval


def test_folds_divide_the_channels(flow: Dataflow) -> None:
    design = fold(flow, Budget(150, 280, 100.0), stage_cost)
    for stage, chosen in zip(flow.stages, design.folds, strict=True):
        shape = geometry(stage.ops[0])
        assert shape.out_channels % chosen.outputs == 0
        assert shape.channels % chosen.inputs == 0
        assert window_cycles(stage.ops[0], shape, chosen) * chosen.products == stage.ops[0].macs


def test_a_target_rate_is_met_with_as_little_as_possible(flow: Dataflow) -> None:
    fast = fold(flow, Budget(200, 280, 100.0), stage_cost)
    enough = fold(flow, Budget(200, 280, 100.0, fps=2000), stage_cost)
    assert enough.fps(100.0) >= 2000
    assert enough.dsp < fast.dsp


@pytest.mark.parametrize(
    ("budget", "complaint"),
    [
        (Budget(9, 280, 100.0), "10 DSP slices are 1 over the budget of 9"),
        (Budget(220, 1, 100.0), "block RAMs are .* over the budget of 1"),
        (Budget(12, 280, 100.0, fps=1e6), r"inferences per second are below the target of 1e\+06 \(.*slowest: 'conv'"),
    ],
)
def test_what_binds_is_named(flow: Dataflow, budget: Budget, complaint: str) -> None:
    with pytest.raises(GateError, match=complaint):
        fold(flow, budget, stage_cost)


@pytest.mark.parametrize(("budget", "options"), [((9, 280), {"--max-dsp"}), ((9, 1), {"--max-dsp", "--max-bram"})])
def test_the_way_out_is_that_of_what_binds(flow: Dataflow, budget: tuple[int, int], options: set[str]) -> None:
    with pytest.raises(GateError) as caught:
        fold(flow, Budget(*budget, 100.0), stage_cost)
    assert {word for word in caught.value.fix.split() if word.startswith("--max")} == options
