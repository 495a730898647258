"""One row of the table: a model compiled for a target, verified and measured."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import numpy as np
from vendor_types import vendor_types

import edgeq
from bench_targets.reference import data_of, quantized, reference
from bench_targets.table import Row
from edgeq.compiler import CompileResult
from edgeq.errors import GateError, UnsupportedError
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.batch import QemuResult, run_on_qemu
from edgeq.run.device import described, devices_of
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

SAMPLES, SIMULATED, MACS = range(2, 21), range(2, 5), 100_000_000
"""So many real samples are run, on processors and in simulations: as many as take so many multiply-accumulates."""

LARGER_DEVICE = {"max_dsp": 220, "max_bram": 10_000}
"""For a design that does not fit the target's: its simulation shows all the same whether it is right."""

VENDOR_FLAGS = "-std=c++11 -O2 -w"
"""For headers with warnings."""


def measure(target_name: str, model: str) -> Row:
    """Compiles a model with default flags and runs real samples; what nothing can tell here stays empty."""
    target = load_target(target_name)
    row = {"target": target_name, "run": how(target), "model": model}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{model}.onnx"
        source.write_bytes(quantized(model))
        out = Path(folder) / "package"
        try:
            result = edgeq.compile(source, target_name, out=out)
        except GateError:
            result = edgeq.compile(source, target_name, out=out, **LARGER_DEVICE)
        except UnsupportedError as error:
            return row | {"equal": f"not run: {error.what}"}
        return row | (_device if target.fpga else _processor)(target, model, result)


def _device(target: Target, model: str, result: CompileResult) -> Row:
    """Equality in the simulation; cycles from one inference to the next and what the design takes, by the estimate."""
    count, estimate = _samples(result, SIMULATED), result.report["fpga"]
    verdicts = [edgeq.verify(result.out, count, inputs=data_of(model) / "eval.npz") for _ in modes(target)]
    costs = {"cycles": estimate["interval"], "dsp": estimate["dsp"]["used"], "bram18": estimate["bram18"]["used"]}
    return {
        "samples": str(count),
        "equal": _word(all(verdict["equal"] for verdict in verdicts)),
        "simulated": str(verdicts[0]["cycles"] or ""),
    } | {name: str(n) for name, n in costs.items()}


def modes(target: Target) -> Iterator[str]:
    """The ways to simulate a design here, each while it is set: C++ with edgeq's integers, and with the vendor's."""
    yield ""
    with tempfile.TemporaryDirectory() as folder:
        headers = vendor_types(Path(folder)) if target.family == "hls" else None
        if headers is not None:
            with mock.patch.dict(os.environ, AP_TYPES=str(headers), CXXFLAGS=VENDOR_FLAGS):
                yield ", with edgeq's integers and the vendor's"


def _processor(target: Target, model: str, result: CompileResult) -> Row:
    """Equality on all that runs the target's programs, instructions, and memory; flash as the linker leaves it."""
    artifact, memory = load_artifact(result.out), result.report["memory"]
    count = _samples(result, SAMPLES)
    inputs, expected = reference(model, artifact, count)
    runs = [run_on_qemu(artifact.package, inputs, device=device) for device in devices_of(target)]
    outputs = [artifact.host.run(inputs)] if _is_host(target) else [run.outputs for run in runs]
    return {
        "samples": str(count) if outputs else "",
        "equal": _word(all(_same(output, expected) for output in outputs)) if outputs else "not run",
        **_instructions(runs, artifact),
        "flash_bytes": str(sum(runs[0].symbol_bytes.values()) if runs else memory["flash_bytes"]["total"]),
        "ram_bytes": str(artifact.package.manifest.arena_bytes + memory["ram_bytes"]["io"]),
    }


def _samples(result: CompileResult, limits: range) -> int:
    return min(max(MACS // result.report["macs"], limits.start), limits.stop - 1)


def _instructions(runs: list[QemuResult], artifact: Artifact) -> Row:
    """Of the first sample, where something counted them."""
    counted = [int(run.instructions[0]) for run in runs if run.instructions is not None]
    macs = sum(op.macs for op in artifact.program.ops)
    return {"instructions": str(counted[0]), "per_mac": f"{counted[0] / macs:.3f}"} if counted else {}


def _same(output: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> bool:
    return all(output[name].tobytes() == expected[name].tobytes() for name in expected)


def _word(equal: bool) -> str:
    return "yes" if equal else "NO"


def _is_host(target: Target) -> bool:
    """Whether its kernels are those of the host runner."""
    return not (target.emulator or target.linux or target.fpga)


def how(target: Target) -> str:
    """What ran the target's programs here; where the CPU itself does, what counted their instructions, too."""
    counted = " ".join(target.linux.emulator) if target.linux and "native" in devices_of(target) else ""
    return described(target) + (f" and {counted}" if counted else "") + list(modes(target))[-1]
