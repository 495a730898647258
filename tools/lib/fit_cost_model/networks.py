"""Networks whose kernels are measured: those of the zoo, and random ones that cover the shapes between."""

from __future__ import annotations

import os
from pathlib import Path

import onnx

import edgeq
from fit_cost_model.probes import probe

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
MODELS = ("mnist_cntk", "dscnn", "mnist_mbv2_torch", "autoencoder", "sww", "resnet8", "vww", "resnet_large")
PROBES = tuple(f"{kind}{seed}" for kind in ("chain", "separable", "fan") for seed in range(6))
DATA = {"resnet_large": "resnet8"}


def compile_network(name: str, target: str, widths: tuple[int, int], folder: Path) -> Path:
    """A network as a package in `folder`: how it rounds does not matter, as no kernel's time depends on its numbers.

    Args:
        widths: Of weights and activations, in bits.
    """
    options = {"weight_bits": widths[0], "activation_bits": widths[1], "preset": "fast", "out": folder / "package"}
    if name in PROBES:
        source = folder / f"{name}.onnx"
        onnx.save(probe(name), source)
    else:
        source = ZOO / name / "model.onnx"
        options["calibration"] = ZOO / DATA.get(name, name) / "calib.npz"
    edgeq.compile(source, target, **options)
    return folder / "package"
