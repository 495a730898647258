"""One cell of the table: a model compiled for a target, verified and measured."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import edgeq
from edgeq.package.read import read_package

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
VERIFIED = 3
C_TARGETS = ("cortex-m4", "cortex-m55")


@dataclass(frozen=True)
class Cell:
    """What a package costs.

    Attributes:
        weight_bits: Of its weights.
        macs: Of the program that is run: channels that are provably constant are gone from it.
        instructions: Of one inference.
        c_instructions: The same from the package's C, built by GCC -O2; on one core of each family, which has one C.
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
    c_instructions: int | None
    cycles: int | None
    flash: int
    ram: int
    stack: int
    weights: int
    layers: tuple[dict[str, Any], ...]


def measure(target: str, model: str, weight_bits: int) -> Cell:
    """Compiles what default flags quantize with the samples of the zoo; ends where runners disagree."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{model}.onnx"
        source.write_bytes(_quantized(model, weight_bits))
        cost = _cost(source, Path(folder) / "lib", target, "lib")
        c_cost = _cost(source, Path(folder) / "c", target, "c") if target in C_TARGETS else None
        manifest = read_package(Path(folder) / "lib").manifest
    return Cell(
        target,
        model,
        weight_bits,
        sum(layer["macs"] for layer in cost["kernels"]),
        cost["instructions"],
        c_cost and c_cost["instructions"],
        cost["estimate"] and cost["estimate"]["cycles"],
        cost["flash_bytes"]["total"],
        manifest.arena_bytes + sum(p.bytes for p in manifest.inputs + manifest.outputs if p.arena_offset is None),
        cost["stack_bytes"],
        cost["flash_bytes"]["weights"],
        tuple(cost["kernels"]),
    )


@cache
def _quantized(model: str, weight_bits: int) -> bytes:
    """The QDQ model, which does not depend on the target."""
    data = ZOO / model
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "qdq.onnx"
        edgeq.quantize(data / "model.onnx", out, calibration=data / "calib.npz", weight_bits=weight_bits)
        return out.read_bytes()


def _cost(source: Path, out: Path, target: str, emit: str) -> dict[str, Any]:
    """What `edgeq bench` says of the package, once its bytes are found equal."""
    edgeq.compile(source, target, out=out, emit=emit)
    verdict = edgeq.verify(out, VERIFIED)
    if not verdict["equal"]:
        sys.exit(f"{source.stem} on {target} as {emit} differs: {verdict['first_difference']}")
    return edgeq.bench(out)
