"""`bench`: what a package costs on its emulated board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.cycles.core import load_core
from edgeq.errors import ToolMissingError, UsageError
from edgeq.package.read import Package
from edgeq.progress import Progress, silent
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.run import random_inputs
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

if TYPE_CHECKING:
    import numpy as np

BENCH_SAMPLES = 2


def bench_package(directory: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Measures a package on its emulated board, in instructions executed.

    Returns:
        `instructions` (one inference), `kernels` (`name`, `op`, `instructions`, `cycles`, `macs`), `estimate` (`core`,
        `cycles` of all kernels, `residual`), `flash_bytes` (`code` of kernels and call sequence as linked, `weights`,
        `constants`, `total`), `arena_bytes`, `stack_bytes`. `estimate` and `cycles` are None where edgeq has no table
        of the core or no compiler for the host.

    Raises:
        UsageError: The package's programs do not run here.
    """
    from edgeq.run.batch import profile_on_qemu, run_on_qemu

    progress = progress or silent
    artifact = load_artifact(directory)
    _require_instructions(load_target(artifact.package.manifest.target), directory)
    inputs = random_inputs(artifact, BENCH_SAMPLES)
    progress("measure inferences", 0, 0)
    whole = run_on_qemu(artifact.package, inputs)
    progress("measure kernels", 0, 0)
    profile = profile_on_qemu(artifact.package, inputs)
    kernels = [None] * len(artifact.lowered.calls) if profile is None else profile[0].tolist()
    progress("estimate cycles", 0, 0)
    cycles, estimate = _cycles(artifact.package, inputs)
    rows = zip(artifact.lowered.calls, kernels, cycles, strict=True)
    return {
        "instructions": None if whole.instructions is None else int(whole.instructions[0]),
        "kernels": [
            {"name": call.op.name, "op": call.op.kind, "instructions": n, "cycles": c, "macs": call.op.macs}
            for call, n, c in rows
        ],
        "estimate": estimate,
        "flash_bytes": _linked_flash(artifact, whole.symbol_bytes),
        "arena_bytes": artifact.package.manifest.arena_bytes,
        "stack_bytes": whole.stack_bytes,
    }


def _require_instructions(target: Target, directory: Path) -> None:
    if target.fpga is not None:
        raise UsageError(
            f"target {target.name!r} executes no instructions",
            file=directory,
            fix="estimate.json of the package says what the design takes; `edgeq verify DIR` simulates it",
        )


def _cycles(
    package: Package, inputs: Mapping[str, np.ndarray]
) -> tuple[Sequence[int | None], dict[str, str | int | float | None] | None]:
    """Estimated cycles of each kernel call and in total."""
    from edgeq.run.cycles import cycles_on_qemu

    core = load_core(load_target(package.manifest.target).cpu)
    try:
        kernels = cycles_on_qemu(package, inputs, core) if core else ()
    except ToolMissingError:
        kernels = ()
    if core is None or not kernels:
        return [None] * len(package.manifest.kernels), None
    cycles = [kernel.cycles for kernel in kernels]
    return cycles, {"core": core.description, "cycles": sum(cycles), "residual": core.residual}


def _linked_flash(artifact: Artifact, symbol_bytes: Mapping[str, int]) -> dict[str, int]:
    """Bytes of the package's own symbols in the linked firmware, by kind."""
    kind = {constant.symbol: constant.kind for constant in artifact.lowered.constants}
    flash = dict.fromkeys(("code", "weights", "constants"), 0)
    for symbol, size in symbol_bytes.items():
        flash[kind.get(symbol, "code")] += size
    return {**flash, "total": sum(flash.values())}
