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
    cycles: int | None
    flash: int
    ram: int
    stack: int
    weights: int
    layers: tuple[dict[str, Any], ...]


def measure(target: str, model: str, weight_bits: int) -> Cell:
    """Compiles with the calibration samples of the zoo and otherwise default flags; ends where runners disagree."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / model
        data = ZOO / model
        edgeq.compile(data / "model.onnx", target, calibration=data / "calib.npz", out=out, weight_bits=weight_bits)
        verdict = edgeq.verify(out, VERIFIED)
        if not verdict["equal"]:
            sys.exit(f"{model} on {target} differs: {verdict['first_difference']}")
        cost = edgeq.bench(out)
        manifest = read_package(out).manifest
    return Cell(
        target,
        model,
        weight_bits,
        sum(layer["macs"] for layer in cost["kernels"]),
        cost["instructions"],
        cost["estimate"] and cost["estimate"]["cycles"],
        cost["flash_bytes"]["total"],
        manifest.arena_bytes + sum(p.bytes for p in manifest.inputs + manifest.outputs if p.arena_offset is None),
        cost["stack_bytes"],
        cost["flash_bytes"]["weights"],
        tuple(cost["kernels"]),
    )
