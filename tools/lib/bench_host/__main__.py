"""Command line of the benchmark."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import edgeq
from edgeq.run.device import cpu_flags, devices_of
from edgeq.targets.load import load_target

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
CSV = ROOT / "benchmarks/host.csv"
DATA_OF = {"resnet_large": "resnet8"}
TARGETS = ("x86-64-avx2", "x86-64-vnni")
COLUMNS = ("target", "model", "edgeq_us", "onnxruntime_us", "ratio")

Row = dict[str, str]


def main() -> None:
    models = sys.argv[1:] or sorted(path.parent.name for path in ZOO.glob("*/model.onnx"))
    targets = [name for name in TARGETS if "native" in devices_of(load_target(name))]
    lacking = [name for name in TARGETS if name not in targets]
    print(f"not run, as this CPU lacks instructions: {', '.join(lacking) or 'none'}", file=sys.stderr)
    for model in models:
        rows = {(row["target"], row["model"]): row for row in [*read(), *measure(model, targets)]}
        write([rows[key] for key in sorted(rows)])
    lines = [list(COLUMNS), ["---"] * len(COLUMNS), *(list(row.values()) for row in read())]
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))


def measure(model: str, targets: Sequence[str]) -> list[Row]:
    """A row for each target: microseconds of both, and their ratio."""
    data = ZOO / DATA_OF.get(model, model)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        qdq = folder / "model.onnx"
        edgeq.quantize(ZOO / model / "model.onnx", qdq, calibration=data / "calib.npz")
        for target in targets:
            package = edgeq.compile(qdq, target, out=folder / target, name="model").out
            ours, theirs = timed(qdq, package, [hiding(folder)] if narrows(target) else [])
            values = target, model, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}"
            print(", ".join(values), file=sys.stderr, flush=True)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def timed(qdq: Path, package: Path, hidden: Sequence[Path]) -> tuple[float, float]:
    """Microseconds of the package and of onnxruntime, in one process."""
    command = [sys.executable, "-m", "bench_host.timing", str(qdq), str(package), *map(str, hidden)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    ours, theirs = map(float, done.stdout.split())
    return ours, theirs


def narrows(target: str) -> bool:
    """Whether this CPU has AVX-512 and the target does not use it: then onnxruntime shall not either."""
    linux = load_target(target).linux
    return linux is not None and "avx512f" in cpu_flags() - set(linux.cpu_flags)


def hiding(folder: Path) -> Path:
    """The library that hides AVX-512."""
    library = folder / "without_avx512.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", HERE / "without_avx512.c", "-o", library], check=True)
    return library


def read() -> list[Row]:
    """The rows of the file, if there is one."""
    if not CSV.exists():
        return []
    with CSV.open(newline="") as file:
        next(file)
        return list(csv.DictReader(file))


def write(rows: Sequence[Row]) -> None:
    """The file, whose first line says what made it."""
    with CSV.open("w", newline="") as file:
        file.write(f"# tools/bench_host; onnxruntime {version('onnxruntime')}, of which x86-64-avx2 hides AVX-512\n")
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


main()
