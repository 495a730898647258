"""Predicted times: sums of features, and what the committed tables say of real programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Example
from fit_cost_model.fit import errors, fit
from fit_cost_model.samples import Sample, append, read
from hypothesis import given
from hypothesis import strategies as st
from tooling import need_board

import edgeq
from edgeq.cost.blocks import OF_KERNEL
from edgeq.cost.features import features_of
from edgeq.cost.model import KernelClass, load_cost_model, weighed
from edgeq.cost.shape import KernelShape, Loops, kernel_shape
from edgeq.run.artifact import load_artifact
from edgeq.targets.load import all_targets, load_target

SMALL = st.integers(1, 40)
PAIRS = st.tuples(st.integers(1, 5), st.integers(1, 5))
TIMED = [target.name for target in all_targets() if load_cost_model(target.name) is not None]


@st.composite
def loops(draw: st.DrawFn) -> Loops:
    window, depth_in = draw(PAIRS), draw(SMALL)
    taps = window[0] * window[1] * depth_in
    return Loops(draw(SMALL), draw(SMALL), draw(SMALL), draw(SMALL), window, draw(PAIRS), taps)


@given(loops())
def test_features_count_something_and_padding_only_adds(shape: Loops) -> None:
    found = {name: feature(shape) for kernel in OF_KERNEL for name, feature in features_of(kernel).items()}
    assert all(value >= 0 for value in found.values())
    assert found["macs"] <= min(found["macs_in_pairs"], found["macs_in_fours"], found["macs_in_vectors"])


def test_blocks_of_vectors() -> None:
    """3x3x16 channels to 16, 10 columns: three blocks of three positions in a row and one of one, nine vectors each."""
    products = features_of("mve.conv2d")
    shape = Loops(5, 10, 16, 0, (3, 3), (1, 1), 144)
    assert products["block_steps"](shape) == 5 * 8 * 9 * (3 * (2 + 3 + 6) + (2 + 1 + 2))
    assert products["blocks"](shape) == 5 * 8 * 4
    assert products["looped_pieces"](shape) == products["gathered_vectors"](shape) == 0
    assert products["gathered_vectors"](Loops(5, 10, 16, 0, (3, 3), (1, 1), 27)) == 5 * 10 * 3
    assert products["turns"](Loops(1, 1, 8, 0, taps=23 * 16)) == 2 * 3


def test_the_fit_recovers_times_that_are_sums() -> None:
    rng = np.random.default_rng(0)
    truth = {"outputs": 7.0, "macs": 1.1, "inputs": 2.0, "calls": 50.0}
    samples = []
    for rows, columns, depth, taps, inputs in rng.integers(1, 40, (30, 5)).tolist():
        shape = KernelShape("a.b", 8, 8, Loops(rows, columns, depth, inputs, taps=taps))
        samples.append(Sample("board", "net", (8, 8), shape, round(weighed(truth, shape)), None))
    (found,) = fit(samples, "instructions").values()
    for sample in samples:
        assert weighed(found, sample.shape) == pytest.approx(sample.instructions, rel=0.01)


def test_samples_survive_their_file(tmp_path: Path, repo_root: Path) -> None:
    samples = read(repo_root / "benchmarks/kernel_costs.csv")[:40]
    samples.append(replace(samples[0], cycles=None))
    append(tmp_path / "samples.csv", samples[:9])
    append(tmp_path / "samples.csv", samples[9:])
    assert read(tmp_path / "samples.csv") == samples


@pytest.mark.parametrize("target", TIMED)
def test_the_table_is_that_of_the_samples(target: str, repo_root: Path) -> None:
    samples = [s for s in read(repo_root / "benchmarks/kernel_costs.csv") if s.target == target]
    model = load_cost_model(target)
    assert model is not None
    for key, coefficients in fit(samples, "instructions").items():
        mine = [s.shape for s in samples if KernelClass.of(s.shape) == key]
        predicted = [weighed(model.instructions[key], shape) for shape in mine]
        assert predicted == pytest.approx([weighed(coefficients, shape) for shape in mine], rel=1e-3)


def test_networks_are_predicted_well_at_eight_bits(repo_root: Path) -> None:
    samples = [s for s in read(repo_root / "benchmarks/kernel_costs.csv") if s.target == "cortex-m4"]
    networks = ("dscnn", "mnist_mbv2_torch", "autoencoder", "resnet8", "vww")
    off = [abs(row.fitted) for row in errors(samples, networks, "instructions") if row.widths == (8, 8)]
    assert np.median(off) < 0.05


def test_a_kernel_that_was_never_measured_has_no_time() -> None:
    model = load_cost_model("cortex-m4")
    assert model is not None
    assert model.time(KernelShape("acme.conv2d", 8, 8, Loops(1, 1, 1, 1))) is None
    assert load_cost_model("host") is None


def test_weights_of_another_width_take_the_time_of_a_measured_one() -> None:
    model = load_cost_model("cortex-m4")
    assert model is not None
    shape = KernelShape("dsp.pointwise", 8, 8, Loops(10, 10, 16, 1600, taps=16))
    assert model.time(replace(shape, weight_bits=3)) is not None


def test_the_example_takes_about_as_long_on_the_board(digits: Example, tmp_path: Path) -> None:
    need_board(load_target("cortex-m4"))
    edgeq.compile(digits.model, "cortex-m4", calibration=digits.calib, out=tmp_path / "package", preset="fast")
    artifact = load_artifact(tmp_path / "package")
    program, target, model = artifact.lowered.program, artifact.lowered.target, load_cost_model("cortex-m4")
    assert model is not None
    predicted = model.program_time(program, target)
    single = [model.time(kernel_shape(op, program, target)) for op in program.ops]
    assert predicted is not None
    assert predicted.instructions == pytest.approx(sum(time.instructions for time in single if time), rel=1e-9)
    assert predicted.instructions == pytest.approx(edgeq.bench(tmp_path / "package")["instructions"], rel=0.15)
