"""Real networks on real data: compiled, equal on every runner, close to onnxruntime, as accurate as in float."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tooling import need_board

import edgeq
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.evaluate import Answers, evaluate
from edgeq.frontend import load_model
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.targets.load import load_target

MODELS = (
    "autoencoder", "dscnn", "dscnn_nchw_bn", "mnist_cntk", "mnist_mbv2_torch", "resnet8", "resnet8_nchw_bn",
    "resnet_large", "sww", "vww", "vww_nchw_bn",
)  # fmt: skip
DATA_OF = {"resnet_large": "resnet8"}
CALIBRATION = 128
VERIFIED = 20
EVALUATED = 200


@dataclass(frozen=True)
class Package:
    """A model of the zoo, compiled.

    Attributes:
        data: Folder of its calibration and evaluation samples.
        report: Of the compilation.
    """

    model: Path
    data: Path
    directory: Path
    report: dict[str, Any]

    @cached_property
    def artifact(self) -> Artifact:
        return load_artifact(self.directory)

    @cached_property
    def answers(self) -> Answers:
        """Of the float model and of the host object, on some of the evaluation samples."""
        reference = load_model(self.model)
        samples = load_samples(self.data / "eval.npz", input_specs(reference)).first(EVALUATED)
        return evaluate(reference, self.artifact.program, samples, runner=self.artifact.host.run)


def compile_model(zoo: Path, name: str, folder: Path) -> Package:
    model, data = zoo / name / "model.onnx", zoo / DATA_OF.get(name, name)
    with np.load(data / "calib.npz") as arrays:
        calibration = {key: arrays[key][:CALIBRATION] for key in arrays.files}
    result = edgeq.compile(model, "cortex-m4", calibration=calibration, out=folder / name)
    return Package(model, data, result.out, result.report)


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest, zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The model of a test's parameter, for cortex-m4."""
    return compile_model(zoo, request.param, tmp_path_factory.mktemp("zoo"))


def every_model(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("package", names or MODELS, indirect=True, scope="module")


def verified(package: Package) -> dict[str, Any]:
    need_board(load_target(package.artifact.package.manifest.target))
    return edgeq.verify(package.directory, VERIFIED, inputs=package.data / "eval.npz")


@every_model()
def test_every_runner_gives_equal_bytes(package: Package) -> None:
    assert verified(package) == {
        "equal": True,
        "samples": VERIFIED,
        "runners": ["interpreter", "host", "qemu"],
        "device": "qemu-system-arm -M mps2-an386",
        "cycles": None,
        "first_difference": None,
    }


@every_model()
def test_every_kernel_is_within_a_step_of_onnxruntime(package: Package) -> None:
    assert package.report["onnxruntime"]["max_steps"] <= 1


@every_model()
def test_the_integers_answer_as_the_float_model_does(package: Package) -> None:
    accuracy = package.answers.accuracy()
    assert accuracy.samples >= 100
    if accuracy.metric == "top1":
        assert accuracy.quantized >= accuracy.float_value - 0.01
    elif package.model.parent.name == "autoencoder":
        assert accuracy.quantized >= 20
    else:
        assert package.answers.accuracy("agreement").quantized >= 0.97


@every_model("vww")
def test_the_hard_case_is_there(package: Package) -> None:
    """Channels whose weights vanish beside their bias: what the rule for weight scales is for."""
    vanished = 0
    for node in package.artifact.model.graph:
        if node.op_type == "Conv":
            weight, bias = (value.producer().inputs[0].const_value.numpy() for value in node.inputs[1:])
            vanished += int((~weight.any(axis=(1, 2, 3)) & (bias != 0)).sum())
    assert vanished > 100
