"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

from bench_kernels.cases import CASES, Case
from bench_kernels.measure import Measured, measure
from edgeq.targets.load import load_target

CSV = Path(__file__).resolve().parents[3] / "benchmarks/kernels.csv"
TARGETS = ("cortex-m4", "cortex-m7", "cortex-m33")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures kernels of a family; writes benchmarks/kernels.csv.")
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS[:1], help="on these")
    parser.add_argument("--case", nargs="+", choices=[case.name for case in CASES], help="only these; writes nothing")
    arguments = parser.parse_args()
    chosen = [case for case in CASES if not arguments.case or case.name in arguments.case]
    rows = [row for target in arguments.target for row in rows_of(target, chosen)]
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))
    if not arguments.case:
        with CSV.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def rows_of(name: str, cases: list[Case]) -> list[dict[str, str]]:
    """A row for each case."""
    target = load_target(name)
    own, portable = (measure(cases, board) for board in (target, replace(target, family="portable")))
    return [row(name, *found) for found in zip(cases, own, portable, strict=True)]


def row(target: str, case: Case, own: Measured, portable: Measured) -> dict[str, str]:
    """What both kernels of an operator took."""
    return {
        "target": target,
        "case": case.name,
        "kernel": own.kernel,
        "work": str(case.work),
        "portable": str(portable.instructions),
        "instructions": str(own.instructions),
        "per_work": f"{own.instructions / case.work:.2f}",
        "ratio": f"{own.instructions / portable.instructions:.3f}",
        "scratch": str(own.scratch),
    }


main()
