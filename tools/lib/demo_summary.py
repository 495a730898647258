"""Prints what tools/demo found: PACKAGE ANSWERS.npz RUNNER [BENCH.json]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

EVAL = Path(__file__).resolve().parents[2] / "calib_data/digits/eval.npz"


def accuracy(answers: Path) -> float:
    """Share of the evaluation images that a runner's answers name rightly."""
    labels = np.load(EVAL)["labels"]
    logits = np.load(answers)["logits"].reshape(len(labels), -1)
    return float((logits.argmax(axis=1) == labels).mean())


def main(package: str, answers: str, runner: str, bench: str | None = None) -> None:
    report = json.loads(Path(package, "report.json").read_text())
    rows = {
        "accuracy, float model": f"{report['accuracy']['float']:.2%}",
        "accuracy, integer program": f"{report['accuracy']['quantized']:.2%}",
        f"accuracy, on {runner}": f"{accuracy(Path(answers)):.2%} of {report['accuracy']['samples']} images",
        "flash": f"{report['memory']['flash_bytes']['total']:,} bytes",
        "RAM": f"{report['memory']['ram_bytes']['total']:,} bytes",
    }
    if bench:
        rows["instructions per image"] = f"{json.loads(Path(bench).read_text())['instructions']:,}"
    rows["firmware package"] = package
    print()
    for name, value in rows.items():
        print(f"{name:<26} {value}")


if __name__ == "__main__":
    main(*sys.argv[1:])
