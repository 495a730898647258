"""`run`: a package on samples, on one of its runners."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from edgeq.package.manifest import PortEntry
from edgeq.progress import Progress, silent
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.device import Device

Compiled = Literal["host", Device]
Runner = Literal["interpreter", Compiled]

BATCH = 64


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
    outputs = {name: _without_batch(array) for name, array in outputs.items()}
    if output is not None:
        _save(output, outputs)
    shapes = {name: list(array.shape) for name, array in outputs.items()}
    return {"on": on, "samples": len(next(iter(feeds.values()))), "outputs": shapes}


def _without_batch(array: np.ndarray) -> np.ndarray:
    """(samples, 1, ...) as (samples, ...): the sample axis stands for a batch axis of 1, as it does in inputs."""
    return array[:, 0] if array.ndim > 2 and array.shape[1] == 1 else array


def run_integers(
    artifact: Artifact, on: Runner, inputs: Mapping[str, np.ndarray], progress: Progress
) -> dict[str, np.ndarray]:
    """Runs integer inputs, (samples, *port.shape), on one runner; gives integer outputs by port name."""
    from edgeq.program.interpreter import interpret

    count = len(next(iter(inputs.values())))
    if on in ("qemu", "native"):
        from edgeq.run.batch import run_on_qemu

        progress(f"run on {on}", 0, 0)
        return run_on_qemu(artifact.package, inputs, device=on).outputs
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
    if _holds_integers(data, entries):
        specs = {name: (entry.shape, np.dtype(entry.dtype)) for name, entry in entries.items()}
        batches = list(load_samples(data, specs).batches(BATCH))
        return {name: np.concatenate([b[name] for b in batches]) for name in specs}, True
    parts = [quantize_inputs(artifact.program, batch) for batch in load_samples(data, specs).batches(BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, False


def _holds_integers(data: Path, entries: Mapping[str, PortEntry]) -> bool:
    """Whether a file holds each input in its port's own type; what cannot be read is reported by `load_samples`."""
    try:
        with np.load(data, allow_pickle=False) as archive:
            return all(name in archive and archive[name].dtype == entry.dtype for name, entry in entries.items())
    except (OSError, ValueError, BadZipFile, TypeError):
        return False


def random_inputs(artifact: Artifact, count: int) -> dict[str, np.ndarray]:
    """Integers over the whole range of each input port: the same every time."""
    rng = np.random.default_rng(0)
    result = {}
    for entry in artifact.package.manifest.inputs:
        limits = np.iinfo(entry.dtype)
        result[entry.name] = rng.integers(limits.min, limits.max, (count, *entry.shape), entry.dtype, endpoint=True)
    return result


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    from edgeq.package.write import write_file

    content = BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    write_file(content.getvalue(), path)
