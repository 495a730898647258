"""Python runs a package of a computer with Linux as a shared library, by nothing but ctypes."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from package.toolchain import run

from edgeq.package.build import build_package
from edgeq.package.source import PackageSource
from edgeq.package.write import write_package
from edgeq.targets.load import load_target


@pytest.fixture(params=["source", "arena_source"])
def toy(request: pytest.FixtureRequest) -> PackageSource:
    """Inputs and outputs in memory of the caller, or in the arena."""
    made: PackageSource = request.getfixturevalue(request.param)
    return replace(made, lowered=replace(made.lowered, target=load_target("x86-64-avx2")))


@pytest.fixture
def loader(toy: PackageSource, tmp_path: Path) -> ModuleType:
    """The module of the toy, its library built as the module says."""
    write_package(build_package(toy), tmp_path / "toy")
    run("cmake", "-S", ".", "-B", "build", "-DBUILD_SHARED_LIBS=ON", cwd=tmp_path / "toy")
    run("cmake", "--build", "build", cwd=tmp_path / "toy")
    spec = importlib.util.spec_from_file_location("toy", tmp_path / "toy/toy.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def golden(module: ModuleType, source: PackageSource) -> tuple[list[dict[str, np.ndarray]], list[np.ndarray]]:
    """Inputs of each sample by C name, and the first output."""
    inputs = list(source.golden_inputs.values())
    first = next(iter(source.golden_outputs.values()))
    return [dict(zip(module.INPUTS, sample, strict=True)) for sample in zip(*inputs, strict=True)], list(first)


def test_gives_the_golden_outputs(loader: ModuleType, toy: PackageSource) -> None:
    model, (inputs, outputs) = loader.Model(), golden(loader, toy)
    results = [model(**sample) for sample in inputs]
    for result, expected in zip(results, outputs, strict=True):
        first = np.asarray(next(iter(result.values())))
        np.testing.assert_array_equal(first, expected.reshape(first.shape))


def test_refuses_inputs_that_do_not_fit(loader: ModuleType, toy: PackageSource) -> None:
    model, (inputs, _) = loader.Model(), golden(loader, toy)
    name = next(iter(loader.INPUTS))
    with pytest.raises(ValueError, match=f"{name} has 1 bytes instead of 8"):
        model(**inputs[0] | {name: b"x"})
    with pytest.raises(TypeError, match=f"toy takes {', '.join(loader.INPUTS)}, not other"):
        model(other=b"")
