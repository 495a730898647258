"""Command line of the tuner."""

from __future__ import annotations

import argparse
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import edgeq
from edgeq.run.artifact import Artifact
from edgeq.targets.dsp.schedule import Schedule, Shape, choosing, default_schedule
from edgeq.targets.load import load_target
from edgeq.targets.target import Target
from tune_kernels.choose import Cycles, added, best, by_shape, candidates, too_large
from tune_kernels.trial import Trial, shapes

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
TABLE = ROOT / "targets/dsp/schedules.toml"
TARGET = "cortex-m4"
MODELS = ("resnet8", "dscnn", "vww", "autoencoder", "sww", "mnist_mbv2_torch")
HEAD = "# Written by tools/tune_kernels: schedules of the fewest estimated cycles, by core and inner loop.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Tunes kernels; writes targets/dsp/schedules.toml.")
    parser.add_argument(
        "models", nargs="*", default=MODELS, metavar="MODEL", help="only these; other shapes keep theirs"
    )
    models = tuple(parser.parse_args().models)
    target = load_target(TARGET)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        tried = [tune(Path(folder), model, target) for model in models]
    total = added(cycles for _, cycles in tried)
    chosen = best(total, target)
    barred = frozenset[Shape]().union(*(too_large(artifact, chosen, target) for artifact, _ in tried))
    chosen = best(total, target, barred)
    report(total, chosen, target)
    kept = {key: old for key, old in written(target).items() if key not in map(str, total)}
    TABLE.write_text(toml(kept | {str(shape): schedule for shape, schedule in chosen.items()}, target))


def tune(folder: Path, model: str, target: Target) -> tuple[Artifact, Cycles]:
    """A model of the zoo, and the cycles of its shapes with every candidate."""
    source, qdq = ZOO / model, folder / f"{model}.onnx"
    edgeq.quantize(source / "model.onnx", qdq, calibration=source / "calib.npz")
    trial = Trial(qdq, target)
    with choosing(default_schedule):
        artifact = trial.compiled(folder / model)
    found = shapes(artifact, target)
    measured = {schedule: trial.cycles(schedule) for schedule in candidates(found, target)}
    return artifact, by_shape(found, measured)


def report(cycles: Cycles, chosen: Mapping[Shape, Schedule], target: Target) -> None:
    """Prints what tuning changes."""
    print("| shape | default | tuned | schedule |\n|---|---|---|---|")
    for shape, schedule in sorted(chosen.items(), key=str):
        before = cycles[shape][default_schedule(shape, target)]
        print(f"| {shape} | {before:,} | {cycles[shape][schedule]:,} | {row(schedule)} |")


def written(target: Target) -> dict[str, Schedule]:
    """The schedules that the table holds, by shape."""
    rows = tomllib.loads(TABLE.read_text()).get(target.cpu, {})
    return {shape: Schedule(**values) for shape, values in rows.items()}


def toml(chosen: Mapping[str, Schedule], target: Target) -> str:
    """The table as a file."""
    lines = [f'"{shape}" = {row(schedule)}' for shape, schedule in sorted(chosen.items())]
    return "\n".join((HEAD, f"[{target.cpu}]", *lines, ""))


def row(schedule: Schedule) -> str:
    """A schedule in TOML."""
    near = ", near = true" if schedule.near else ""
    return f"{{ unroll = {schedule.unroll}, straight = {schedule.straight}{near} }}"


main()
