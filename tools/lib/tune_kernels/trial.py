"""Estimated cycles of every kernel call of a model with one schedule for all, measured once."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import edgeq
from edgeq.cycles.core import CORES, load_core
from edgeq.lower.lower import lower
from edgeq.lower.select import select
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.cycles import cycles_on_qemu
from edgeq.run.plugin import cache_folder
from edgeq.run.run import random_inputs
from edgeq.targets.dsp.schedule import Choice, Schedule, Shape, choosing, default_schedule
from edgeq.targets.target import Target


@dataclass(frozen=True)
class Trial:
    """What is tried: a quantized model on a target.

    Attributes:
        model: QDQ model.
    """

    model: Path
    target: Target

    def cycles(self, schedule: Schedule) -> list[int]:
        """Estimated cycles of each kernel call, from the cache if they have been measured before."""
        path = cache_folder() / f"tune-{self._digest(schedule)}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self._measure(schedule)))
        found: list[int] = json.loads(path.read_text())
        return found

    def _digest(self, schedule: Schedule) -> str:
        content = hashlib.sha256(self.model.read_bytes())
        content.update(f"{self.target} {schedule} {edgeq.__version__}".encode())
        content.update(_sources(self.target.cpu))
        return content.hexdigest()[:24]

    def _measure(self, schedule: Schedule) -> list[int]:
        core = load_core(self.target.cpu)
        assert core is not None
        with tempfile.TemporaryDirectory(prefix="edgeq-") as folder, choosing(lambda shape, target: schedule):
            artifact = self.compiled(Path(folder) / "package")
            return [k.cycles for k in cycles_on_qemu(artifact.package, random_inputs(artifact, 1), core)]

    def compiled(self, out: Path) -> Artifact:
        """The model as a package in `out`, with the schedules of the context."""
        edgeq.compile(self.model, self.target.name, out=out)
        return load_artifact(out)


def shapes(artifact: Artifact, target: Target) -> list[Shape | None]:
    """The shape of the inner loop of each op's kernel; None where it has no schedule."""
    found: list[Shape | None] = []
    for op in artifact.program.ops:
        asked: list[Shape] = []

        def note(shape: Shape, target: Target, asked: list[Shape] = asked) -> Schedule:
            asked.append(shape)
            return default_schedule(shape, target)

        with choosing(note):
            select(op, artifact.program, target).generate(op, artifact.program, target)
        found.append(asked[0] if asked else None)
    return found


def arena_bytes(artifact: Artifact, target: Target, choice: Choice) -> int:
    """Working memory that the model needs with these schedules."""
    with choosing(choice):
        return lower(artifact.program, target).plan.size


@cache
def _sources(cpu: str) -> bytes:
    """Hash of what decides on cycles: kernels, lowering, timing."""
    content = hashlib.sha256((CORES / f"{cpu}.toml").read_bytes())
    kernels = (files("edgeq.targets.dsp"), files("edgeq.targets.portable"))
    for folder in (*kernels, files("edgeq.lower"), files("edgeq.cycles")):
        for path in sorted(Path(str(folder)).rglob("*")):
            if path.suffix in (".py", ".toml") and path.name != "schedules.toml":
                content.update(path.read_bytes())
    return content.digest()
