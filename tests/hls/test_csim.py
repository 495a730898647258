"""C simulation gives the interpreter's bytes: every operator, random programs with random folds, real networks."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hls.simulation import design_of, need, random_inputs, simulate, vendor_headers, write_design
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lower.every_kernel import every_kernel
from program.programs import program, requantize
from program.random_programs import random_programs

from edgeq.config import Config
from edgeq.fpga.dataflow import dataflow
from edgeq.fpga.folding import Budget, fold, larger_folds
from edgeq.fpga.stage_kind import Kind
from edgeq.hls.cost import stage_cost
from edgeq.program.builder import build
from edgeq.program.ops import Add, Conv2D, View
from edgeq.program.program import Program
from edgeq.program.rewrites import optimize
from edgeq.progress import silent
from edgeq.quantizer import quantize
from edgeq.targets.hls.fold import Fold

PYNQ = Budget(220, 280, 100.0)


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("g++", "make")


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C++ of a program with every operator, at 8 and at 16 bits."""
    folder = tmp_path_factory.mktemp("operators")
    flow = dataflow(every_kernel(), turns=True)
    folds = [Fold() for _ in flow.stages]
    write_design(design_of(flow, folds), folder, random_inputs(flow.program))
    return folder


def test_every_operator(operators: Path) -> None:
    result = simulate(operators)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_operator_with_the_vendors_integers(operators: Path, tmp_path: Path) -> None:
    headers = vendor_headers(tmp_path)
    (operators / "csim.bin").unlink(missing_ok=True)
    result = simulate(operators, f"AP_TYPES={headers}", "CXXFLAGS=-std=c++11 -O1 -w")
    assert result.returncode == 0, result.stdout + result.stderr


# Without shrinking: every example costs a C++ compiler's run.
@settings(
    max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(st.data())
def test_random_programs_with_random_folds(data: st.DataObject) -> None:
    flow = dataflow(optimize(data.draw(random_programs())))
    folds = []
    for stage in flow.stages:
        window = stage.kind(flow.program) == Kind.WINDOW
        folds.append(data.draw(st.sampled_from([Fold(), *larger_folds(stage, Fold())])) if window else Fold())
    with TemporaryDirectory() as folder:
        write_design(design_of(flow, folds), Path(folder), random_inputs(flow.program))
        result = simulate(Path(folder))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("model", "weight_bits"), [("resnet8", 8), ("dscnn", 4), ("autoencoder", 2)])
def test_real_networks_on_a_pynq_z2(zoo: Path, tmp_path: Path, model: str, weight_bits: int) -> None:
    config = Config(calib=zoo / model / "calib.npz", preset="fast", weight_bits=weight_bits)
    quantized = quantize(zoo / model / "model.onnx", config, silent)
    design = fold(dataflow(optimize(build(quantized.model, model).program), turns=True), PYNQ, stage_cost)
    assert design.dsp <= PYNQ.dsp
    assert design.bram <= PYNQ.bram
    write_design(design, tmp_path, random_inputs(design.flow.program))
    result = simulate(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def residual_program() -> Program:
    """A sum of an image and of what two 3x3 convolutions make of it."""
    shape = (1, 6, 6, 4)
    weight, bias = np.ones((4, 3, 3, 4), np.int8), np.zeros(4, np.int32)
    convolutions = [
        Conv2D(f"conv{y}", y, x, shape, shape, weight, 8, bias, 0, requantize(4), pads=(1, 1, 1, 1))
        for x, y in (("x", "a"), ("a", "b"))
    ]
    view = View((144,), (1,))
    add = Add("add", "y", "x", "b", view, view, 1 << 14, 1 << 14, 1 << 14, 15, -128, 127)
    return program([*convolutions, add], {"x": shape, "a": shape, "b": shape, "y": shape}, ["x"], ["y"])


def test_a_design_that_locks_up_says_where(tmp_path: Path) -> None:
    """One word too few in the stream that waits for the longer way: what would hang in hardware."""
    flow = dataflow(residual_program())
    write_design(design_of(flow, [Fold() for _ in flow.stages]), tmp_path, random_inputs(flow.program))
    source = tmp_path / f"src/{flow.program.name}.cpp"
    deep = next(stream for stream in flow.inner if stream.depth > 2)
    source.write_text(source.read_text().replace(f"({deep.symbol}, {deep.depth})", f"({deep.symbol}, 2)"))
    result = simulate(tmp_path, "CPPFLAGS=-DEDGEQ_STREAM_SECONDS=1")
    assert result.returncode != 0
    assert re.search(r"the design locks up: stream (s|in|out)\d+ stays (full|empty)", result.stderr)
