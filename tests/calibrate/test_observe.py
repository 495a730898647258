"""Ranges from a float model: right, finite, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.observe import observe
from edgeq.calibrate.samples import Samples, SampleSource
from edgeq.calibrate.synthetic import samples_of
from edgeq.errors import CalibrationError
from edgeq.quant.qparams import Range

SPEC = {"x": ((1, 4), np.dtype(np.float32))}


def model_of(text: str, **constants: np.ndarray) -> ir.Model:
    proto = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> {text}')
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in constants.items())
    return ir.from_proto(onnx.shape_inference.infer_shapes(proto))


@pytest.fixture
def model() -> ir.Model:
    return model_of("g (float[1,4] x) => (float[1,4] y) { a = Mul(x, k)  y = Exp(a) }", k=np.float32([1, -2, 3, 0]))


def test_ranges_are_those_of_all_samples(model: ir.Model) -> None:
    data = np.random.default_rng(0).standard_normal((50, 1, 4)).astype(np.float32)
    seen: list[tuple[int, int]] = []
    observers = observe(model, samples_of({"x": data}, SPEC), ["y", "x", "a"], progress=lambda *at: seen.append(at))
    ranges = {name: observer.range for name, observer in observers.items()}
    a = data * np.float32([1, -2, 3, 0])
    assert ranges["x"] == Range(float(data.min()), float(data.max()))
    assert ranges["a"] == Range(float(a.min()), float(a.max()))
    assert ranges["y"].hi == pytest.approx(np.exp(a).max(), rel=1e-6)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen}) and seen[-1] == (50, 50)
    assert [value.name for value in model.graph.outputs] == ["y"], "the model is left as it was"


def test_graph_inputs_alone(model: ir.Model) -> None:
    seen = observe(model, samples_of({"x": np.ones((2, 1, 4), np.float32)}, SPEC), ["x"])["x"]
    assert seen.range == Range(1.0, 1.0) and seen.samples == 2


def test_overflow_in_the_model_is_an_error(model: ir.Model) -> None:
    data = np.zeros((3, 1, 4), np.float32)
    data[2] = 100
    with pytest.raises(CalibrationError, match="sample 2") as error:
        observe(model, samples_of({"x": data}, SPEC), ["a", "y"])
    assert error.value.tensor == "y" and error.value.fix


@dataclass(frozen=True, eq=False)
class Generated:
    """An array that exists only row by row, and counts how many rows live at once."""

    shape: tuple[int, ...]
    dtype: np.dtype
    path: None = None

    def rows(self, size: int) -> Iterator[np.ndarray]:
        for start in range(0, self.shape[0], size):
            numbers = np.arange(start, min(start + size, self.shape[0]), dtype=self.dtype)
            yield np.repeat(numbers, self.shape[1]).reshape(len(numbers), *self.shape[1:])


def peak_of_observing(count: int) -> int:
    """Bytes at the peak of observing samples of 64 kB, all of whose 8 intermediate tensors are seen."""
    chain = "  ".join(f"t{i + 1} = Neg(t{i})" for i in range(8))
    model = model_of(f"g (float[1,16384] t0) => (float[1,16384] t8) {{ {chain} }}")
    array = Generated((count, 16384), np.dtype(np.float32))
    samples = Samples({"t0": [SampleSource(array, (1, 16384), array.dtype, count, "t0")]})
    tracemalloc.start()
    seen = observe(model, samples, [f"t{i}" for i in range(9)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen["t7"].range == Range(float(1 - count), 0.0)
    return peak


def test_memory_does_not_grow_with_the_number_of_samples() -> None:
    few, many = peak_of_observing(40), peak_of_observing(400)
    assert many < few + 200_000, "400 samples are 26 MB, their tensors 236 MB"


def test_runner_computes_chosen_tensors_of_many_samples(model: ir.Model) -> None:
    data = np.random.default_rng(1).standard_normal((5, 1, 4)).astype(np.float32)
    found = FloatRunner(model, ["a"]).run({"x": data})
    np.testing.assert_array_equal(found["a"], data * np.float32([1, -2, 3, 0]))
    assert found["a"].shape == (5, 1, 4)
