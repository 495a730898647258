"""Instructions and cycles of each kernel call of a network, counted in QEMU."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgeq.cost.shape import kernel_shape
from edgeq.cycles.core import load_core
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.batch import profile_on_qemu
from edgeq.run.cycles import KernelCycles, cycles_on_qemu
from edgeq.run.run import random_inputs
from edgeq.targets.load import load_target
from fit_cost_model.networks import compile_network
from fit_cost_model.samples import Sample


def measure(target: str, network: str, widths: tuple[int, int]) -> list[Sample]:
    """Compiles a network for a target and profiles one inference."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        artifact = load_artifact(compile_network(network, target, widths, Path(name)))
        counts = _profile(artifact)
    board = load_target(target)
    return [
        Sample(target, network, widths, kernel_shape(call.op, artifact.lowered.program, board), n, cycles)
        for call, (n, cycles) in zip(artifact.lowered.calls, counts, strict=True)
    ]


def _profile(artifact: Artifact) -> Sequence[tuple[int, int | None]]:
    """(instructions, cycles) of each call."""
    inputs = random_inputs(artifact, 1)
    core = load_core(artifact.lowered.target.cpu)
    if core is None:
        return [(int(n), None) for n in profile_on_qemu(artifact.package, inputs)[0]]
    found: Sequence[KernelCycles] = cycles_on_qemu(artifact.package, inputs, core)
    return [(k.instructions, k.cycles) for k in found]
