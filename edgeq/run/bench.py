"""`bench`: what a package costs on its emulated board."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeq.progress import Progress, silent
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.run import random_inputs

BENCH_SAMPLES = 2


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
