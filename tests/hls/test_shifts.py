"""Layers whose weights are powers of two: shifts in place of multipliers, with the interpreter's bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hls.simulation import design_of, need, random_inputs, simulate, write_design
from program.programs import program, requantize

from edgeq.config import Config
from edgeq.fpga.dataflow import dataflow
from edgeq.fpga.folding import Budget, fold
from edgeq.hls.cost import stage_cost
from edgeq.program.builder import build
from edgeq.program.ops import Conv2D, Dense
from edgeq.program.program import Program
from edgeq.program.rewrites import optimize
from edgeq.progress import silent
from edgeq.quantizer import quantize
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.stored import stored_weights

POWERS = np.array([0, *(sign << k for k in range(7) for sign in (1, -1)), -128], np.int8)


def powers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).choice(POWERS, shape)


def layers() -> Program:
    """A convolution, a depthwise convolution and a fully connected layer."""
    image, flat = (1, 4, 4, 8), (1, 5)
    bias = np.arange(8, dtype=np.int32)
    conv = Conv2D("conv", "a", "x", image, image, powers(8, 3, 3, 8), 8, bias, 3, requantize(8), pads=(1, 1, 1, 1))
    deep = Conv2D("deep", "b", "a", image, image, powers(8, 1, 1, 1), 8, bias, 0, requantize(8), groups=8)
    dense = Dense("dense", "y", "b", 1, powers(5, 128), 8, np.zeros(5, np.int32), requantize(5))
    return program([conv, deep, dense], {"x": image, "a": image, "b": image, "y": flat}, ["x"], ["y"])


def test_shifts_give_the_interpreters_bytes(tmp_path: Path) -> None:
    need("g++", "make")
    flow = dataflow(layers())
    design = design_of(flow, [Fold(2, 4), Fold(4, 1), Fold(1, 8)])
    write_design(design, tmp_path, random_inputs(flow.program))
    assert "<<" in (tmp_path / f"src/{flow.program.name}.cpp").read_text()
    result = simulate(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_shifts_take_no_multipliers_and_less_memory() -> None:
    flow = dataflow(layers())
    cost = stage_cost(flow.stages[0], Fold(2, 4), flow)
    (conv,) = flow.stages[0].ops
    assert isinstance(conv, Conv2D)
    other = replace(flow.stages[0], ops=(replace(conv, weight=np.where(conv.weight == 4, 3, conv.weight)),))
    multiplied = stage_cost(other, Fold(2, 4), flow)
    assert (cost.dsp, cost.shifts) == (4, 8)
    assert (multiplied.dsp, multiplied.shifts) == (4 + 8, 0)
    assert cost.cycles == multiplied.cycles


@pytest.mark.parametrize(
    ("weights", "bits"), [([0, 1, -1], 2), ([0, 1, -2], 2), ([4, -2], 3), ([64, -64], 4), ([-128], 4)]
)
def test_codes_are_as_narrow_as_can_be(weights: list[int], bits: int) -> None:
    (dense,) = [op for op in layers().ops if isinstance(op, Dense)]
    stored = stored_weights(replace(dense, weight=np.array([weights], np.int8)))
    assert stored.bits == bits
    assert stored.table.min() >= -(1 << (bits - 1))
    assert stored.table.max() < 1 << (bits - 1)
    decoded = np.sign(stored.table) * 2.0 ** (np.abs(stored.table.astype(int)) - 1) * (stored.table != 0)
    np.testing.assert_array_equal(decoded[0], weights)


def test_shifts_are_no_more_than_the_device_may_have() -> None:
    budget = Budget(60, 280, 100.0, shifts=24)
    design = fold(dataflow(layers()), budget, stage_cost)
    assert design.shifts <= 24
    assert design.dsp == 12
    assert design.interval < fold(dataflow(layers()), replace(budget, shifts=3), stage_cost).interval


def test_a_real_network_without_multipliers(zoo: Path) -> None:
    """At 8 bits, rounding to nearest gives other integers too: nothing shifts unless the pass is asked for."""
    shifting = {}
    for enabled in (True, False):
        config = Config(calib=zoo / "mnist_cntk/calib.npz", preset="fast", passes={"round_powers_of_two": enabled})
        made = optimize(build(quantize(zoo / "mnist_cntk/model.onnx", config, silent).model, "mnist").program)
        shifting[enabled] = [stored_weights(op).shifts for op in made.ops if isinstance(op, Conv2D | Dense)]
    assert all(shifting[True])
    assert not any(shifting[False])
