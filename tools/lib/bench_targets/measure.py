"""One row of the table: a model compiled for a target, verified and measured."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import edgeq
from edgeq.package.read import read_package
from edgeq.run.device import devices_of
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
DATA_OF = {"resnet_large": "resnet8"}
VERIFIED = 2

Row = dict[str, str]


def measure(target_name: str, model: str) -> Row:
    """Compiles a model with default flags and runs real samples; what nothing can tell here stays empty."""
    target, data = load_target(target_name), ZOO / DATA_OF.get(model, model)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{model}.onnx"
        source.write_bytes(_quantized(model))
        result = edgeq.compile(source, target_name, out=Path(folder) / "package")
        verdict = edgeq.verify(result.out, VERIFIED, inputs=data / "eval.npz")
        cost = edgeq.bench(result.out) if devices_of(target) else None
        manifest = read_package(result.out).manifest
    instructions, memory = cost and cost["instructions"], result.report["memory"]
    return {
        "target": target_name,
        "run": how(target),
        "model": model,
        "equal": ("yes" if verdict["equal"] else "NO") if devices_of(target) else "not run",
        "instructions": "" if instructions is None else str(instructions),
        "per_mac": "" if instructions is None else f"{instructions / result.report['macs']:.3f}",
        "flash_bytes": str(cost["flash_bytes"]["total"] if cost else memory["flash_bytes"]["total"]),
        "ram_bytes": str(manifest.arena_bytes + memory["ram_bytes"]["io"]),
    }


def how(target: Target) -> str:
    """What ran the target's programs here."""
    devices = devices_of(target)
    if not devices:
        return "not run: this CPU lacks the instructions"
    if target.emulator:
        return " ".join(target.emulator.command[:3])
    assert target.linux
    emulated = " ".join(target.linux.emulator)
    return f"this CPU; counted by {emulated}" if devices[0] == "native" else emulated


@cache
def _quantized(model: str) -> bytes:
    """The QDQ model, which does not depend on the target."""
    data = ZOO / DATA_OF.get(model, model)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "qdq.onnx"
        edgeq.quantize(ZOO / model / "model.onnx", out, calibration=data / "calib.npz")
        return out.read_bytes()
