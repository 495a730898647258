"""The verbs over a package: run it, verify that all runners agree, measure it on the emulated board."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgeq.errors import CalibrationError
from edgeq.progress import Progress, silent
from edgeq.run.artifact import Artifact, load_artifact

Runner = Literal["interpreter", "host", "qemu"]

BATCH = 64
BENCH_SAMPLES = 2
VERIFY_SAMPLES = 20


def run_package(
    directory: Path, on: Runner, inputs: Path, output: Path | None, progress: Progress | None = None
) -> dict[str, Any]:
    """Runs a package on samples.

    Args:
        inputs: A .npz or folder. Integers of a port's own type are fed as they are and give integers; all other
            numbers are quantized and give real numbers.
        output: A .npz for the outputs, by their ONNX names, (samples, ...).

    Returns:
        `on`, `samples`, `outputs` (name to shape).
    """
    artifact = load_artifact(directory)
    feeds, raw = read_inputs(artifact, inputs)
    outputs = run_integers(artifact, on, feeds, progress or silent)
    if not raw:
        from edgeq.program.interface import real_output

        ports = {port.name: port for port in artifact.program.outputs}
        outputs = {name: real_output(ports[name], array) for name, array in outputs.items()}
    if output is not None:
        _save(output, outputs)
    shapes = {name: list(array.shape) for name, array in outputs.items()}
    return {"on": on, "samples": len(next(iter(feeds.values()))), "outputs": shapes}


def run_integers(
    artifact: Artifact, on: Runner, inputs: Mapping[str, np.ndarray], progress: Progress
) -> dict[str, np.ndarray]:
    """Runs integer inputs, (samples, *port.shape), on one runner; gives integer outputs by port name."""
    from edgeq.program.interpreter import interpret

    count = len(next(iter(inputs.values())))
    if on == "qemu":
        from edgeq.run.batch import run_on_qemu

        progress("run on qemu", 0, 0)
        return run_on_qemu(artifact.package, inputs).outputs
    parts = []
    for start in range(0, count, BATCH):
        batch = {name: array[start : start + BATCH] for name, array in inputs.items()}
        parts.append(interpret(artifact.program, batch) if on == "interpreter" else artifact.host.run(batch))
        progress(f"run on {on}", min(start + BATCH, count), count)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read_inputs(artifact: Artifact, data: Path) -> tuple[dict[str, np.ndarray], bool]:
    """Samples as the ports take them, and whether they were such integers already."""
    from edgeq.calibrate.load import load_samples
    from edgeq.calibrate.specs import input_specs
    from edgeq.program.interface import quantize_inputs

    entries = {entry.name: entry for entry in artifact.package.manifest.inputs}
    specs = input_specs(artifact.model)
    if data.suffix == ".npz":
        with np.load(data, allow_pickle=False) as archive:
            raw = all(name in archive and archive[name].dtype == entries[name].dtype for name in entries)
        if raw:
            specs = {name: (entry.shape, np.dtype(entry.dtype)) for name, entry in entries.items()}
            batches = list(load_samples(data, specs).batches(BATCH))
            return {name: np.concatenate([b[name] for b in batches]) for name in specs}, True
    parts = [quantize_inputs(artifact.program, batch) for batch in load_samples(data, specs).batches(BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, False


def verify_package(
    directory: Path, samples: int | None = None, inputs: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Runs the same samples on the interpreter, the host and the emulated board, and compares bytes.

    Args:
        samples: How many; None for all of `inputs`, or 20 random ones where there are none.

    Returns:
        `equal`, `samples`, `runners`, and `first_difference` (None, or `runner`, `sample`, `kernel`, `name`).

    Raises:
        ToolMissingError: The target's compiler or emulator is not installed.
    """
    from edgeq.run.difference import first_difference
    from edgeq.targets.load import load_target

    progress = progress or silent
    artifact = load_artifact(directory)
    random = inputs is None
    feeds = random_inputs(artifact, samples or VERIFY_SAMPLES) if random else read_inputs(artifact, inputs)[0]
    feeds = {name: array[:samples] for name, array in feeds.items()}
    emulated = load_target(artifact.package.manifest.target).emulator is not None
    runners: list[Runner] = ["interpreter", "host", *(["qemu"] if emulated else [])]  # type: ignore[list-item]
    expected = run_integers(artifact, "interpreter", feeds, progress)
    difference = None
    for runner in runners[1:]:
        got = run_integers(artifact, runner, feeds, progress)
        wrong = [np.flatnonzero((got[n] != expected[n]).reshape(len(got[n]), -1).any(axis=1)) for n in expected]
        if difference is None and any(len(w) for w in wrong):
            sample = int(min(w[0] for w in wrong if len(w)))
            one = {name: array[sample : sample + 1] for name, array in feeds.items()}
            difference = first_difference(artifact, runner, one, sample)
    count = len(next(iter(feeds.values())))
    return {"equal": difference is None, "samples": count, "runners": runners, "first_difference": difference}


def random_inputs(artifact: Artifact, count: int) -> dict[str, np.ndarray]:
    """Integers over the whole range of each input port: the same every time."""
    rng = np.random.default_rng(0)
    result = {}
    for entry in artifact.package.manifest.inputs:
        limits = np.iinfo(entry.dtype)
        result[entry.name] = rng.integers(limits.min, limits.max, (count, *entry.shape), entry.dtype, endpoint=True)
    return result


def bench_package(directory: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Measures a package on its emulated board, in instructions executed.

    Returns:
        `instructions` (one inference), `kernels` (`name`, `op`, `instructions`, `macs`), `flash_bytes` (`code` of
        kernels and call sequence as linked, `weights`, `constants`, `total`), `arena_bytes`, `stack_bytes`.
    """
    from edgeq.run.batch import profile_on_qemu, run_on_qemu

    progress = progress or silent
    artifact = load_artifact(directory)
    inputs = random_inputs(artifact, BENCH_SAMPLES)
    progress("measure inferences", 0, 0)
    whole = run_on_qemu(artifact.package, inputs)
    progress("measure kernels", 0, 0)
    kernels = profile_on_qemu(artifact.package, inputs)[0]
    rows = zip(artifact.lowered.calls, kernels, strict=True)
    return {
        "instructions": int(whole.instructions[0]),
        "kernels": [{"name": c.op.name, "op": c.op.kind, "instructions": int(n), "macs": c.op.macs} for c, n in rows],
        "flash_bytes": _linked_flash(artifact, whole.symbol_bytes),
        "arena_bytes": artifact.package.manifest.arena_bytes,
        "stack_bytes": whole.stack_bytes,
    }


def _linked_flash(artifact: Artifact, symbol_bytes: Mapping[str, int]) -> dict[str, int]:
    """Bytes of the package's own symbols in the linked firmware, by kind."""
    kind = {constant.symbol: constant.kind for constant in artifact.lowered.constants}
    flash = dict.fromkeys(("code", "weights", "constants"), 0)
    for symbol, size in symbol_bytes.items():
        flash[kind.get(symbol, "code")] += size
    return {**flash, "total": sum(flash.values())}


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise CalibrationError(f"cannot write the outputs: {error.strerror}", file=path) from error
