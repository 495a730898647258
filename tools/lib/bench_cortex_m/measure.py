"""One cell of the table: a model compiled for a target, verified and measured."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgeq
from edgeq.package.read import read_package

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
VERIFIED = 3


@dataclass(frozen=True)
class Cell:
    """What a package costs.

    Attributes:
        weight_bits: Of its weights.
        macs: Of the program that is run: channels that are provably constant are gone from it.
        instructions: Of one inference.
        c_instructions: The same from the package's C, built by GCC -O2.
        cycles: Estimated; None where there is no table of the core.
        flash: Linked bytes of the package: code, call sequence, weights, constants.
        ram: Arena, of which scratch memory is part, inputs and outputs.
        stack: Deepest use of the stack.
        weights: Of the flash, packed weights.
        layers: Of `edgeq bench`, in order: `name`, `op`, `instructions`, `macs`.
    """

    target: str
    model: str
    weight_bits: int
    macs: int
    instructions: int
    c_instructions: int
    cycles: int | None
    flash: int
    ram: int
    stack: int
    weights: int
    layers: tuple[dict[str, Any], ...]


def measure(target: str, model: str, weight_bits: int) -> Cell:
    """Compiles with the calibration samples of the zoo and otherwise default flags; ends where runners disagree."""
    with tempfile.TemporaryDirectory() as folder:
        cost = _cost(Path(folder) / "lib", target, model, weight_bits, "lib")
        c_cost = _cost(Path(folder) / "c", target, model, weight_bits, "c")
        manifest = read_package(Path(folder) / "lib").manifest
    return Cell(
        target,
        model,
        weight_bits,
        sum(layer["macs"] for layer in cost["kernels"]),
        cost["instructions"],
        c_cost["instructions"],
        cost["estimate"] and cost["estimate"]["cycles"],
        cost["flash_bytes"]["total"],
        manifest.arena_bytes + sum(p.bytes for p in manifest.inputs + manifest.outputs if p.arena_offset is None),
        cost["stack_bytes"],
        cost["flash_bytes"]["weights"],
        tuple(cost["kernels"]),
    )


def _cost(out: Path, target: str, model: str, weight_bits: int, emit: str) -> dict[str, Any]:
    """What `edgeq bench` says of the package, once its bytes are found equal."""
    data = ZOO / model
    samples = data / "calib.npz"
    edgeq.compile(data / "model.onnx", target, calibration=samples, out=out, weight_bits=weight_bits, emit=emit)
    verdict = edgeq.verify(out, VERIFIED)
    if not verdict["equal"]:
        sys.exit(f"{model} on {target} as {emit} differs: {verdict['first_difference']}")
    return edgeq.bench(out)
