"""Command line of the benchmark."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import edgeq
from bench_host.runners import Inference, onnxruntime_inference, package_inference
from edgeq.run.device import cpu_flags, devices_of
from edgeq.targets.load import load_target

ROOT = Path(__file__).resolve().parents[3]
ZOO = Path(os.environ.get("EDGEQ_ZOO", ROOT.parent / "shared/zoo"))
CSV = ROOT / "benchmarks/host.csv"
DATA_OF = {"resnet_large": "resnet8"}
TARGETS = ("x86-64-vnni", "x86-64-avx2")
ROUNDS = 15
SECONDS = 0.03
"""Of a round, about."""


def main() -> None:
    models = sys.argv[1:] or sorted(path.parent.name for path in ZOO.glob("*/model.onnx"))
    target = next(name for name in TARGETS if "native" in devices_of(load_target(name)))
    lacking = [name for name in TARGETS if "native" not in devices_of(load_target(name))]
    print(f"{target}; not run, as this CPU lacks instructions: {', '.join(lacking) or 'none'}", file=sys.stderr)
    measured = {row["model"]: row for row in read()} | {model: measure(model, target) for model in models}
    rows = [measured[model] for model in sorted(measured)]
    write(rows, target)
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))


def measure(model: str, target: str) -> dict[str, str]:
    """One row: microseconds of both, and their ratio."""
    data = ZOO / DATA_OF.get(model, model)
    with tempfile.TemporaryDirectory() as folder:
        qdq, out = Path(folder) / "model.onnx", Path(folder) / "package"
        edgeq.quantize(ZOO / model / "model.onnx", qdq, calibration=data / "calib.npz")
        edgeq.compile(qdq, target, out=out, name="model")
        ours, theirs = fastest([package_inference(out, "model"), onnxruntime_inference(qdq)])
    print(f"{model}: {ours:.1f} us, onnxruntime {theirs:.1f} us", file=sys.stderr, flush=True)
    return {
        "model": model,
        "edgeq_us": f"{ours:.1f}",
        "onnxruntime_us": f"{theirs:.1f}",
        "ratio": f"{ours / theirs:.2f}",
    }


def fastest(inferences: Sequence[Inference]) -> list[float]:
    """Microseconds of CPU time of each, the least of all rounds, which take turns."""
    counts = [max(1, round(SECONDS / _seconds(run, 3))) for run in inferences]
    rounds = [[_seconds(run, n) for run, n in zip(inferences, counts, strict=True)] for _ in range(ROUNDS)]
    return [1e6 * min(times) for times in zip(*rounds, strict=True)]


def _seconds(run: Inference, count: int) -> float:
    """CPU time of one of `count` runs."""
    start = time.process_time()
    for _ in range(count):
        run()
    return (time.process_time() - start) / count


def read() -> list[dict[str, str]]:
    """The rows of the file, if there is one."""
    if not CSV.exists():
        return []
    with CSV.open(newline="") as file:
        next(file)
        return list(csv.DictReader(file))


def write(rows: Sequence[dict[str, str]], target: str) -> None:
    """The file, whose first line says what made it."""
    with CSV.open("w", newline="") as file:
        vnni = "has" if "avx512_vnni" in cpu_flags() else "lacks"
        file.write(
            f"# tools/bench_host; {target}; this CPU {vnni} AVX-512 VNNI; onnxruntime {version('onnxruntime')}\n"
        )
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


main()
