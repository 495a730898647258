"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

from bench_grids.measure import ROOT, WIDTHS, ZOO, Row, Subject, grids
from bench_grids.softmax import softmax_rows, softmax_table
from bench_grids.tables import report, winners

CSV, REPORT = ROOT / "benchmarks/grids.csv", ROOT / "benchmarks/grids.md"
SOFTMAX = ROOT / "benchmarks/softmax_grids.csv"


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Weights and probabilities on other grids; writes benchmarks/grids.md."
    )
    models = sorted(path.parent.name for path in ZOO.glob("*/model.onnx"))
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these models, or softmax")
    chosen = parser.parse_args().models or [*models, "softmax"]
    if "softmax" in chosen:
        write(softmax_rows(), SOFTMAX)
    rows = {_key(row): row for row in read(CSV)}
    for name in (name for name in chosen if name != "softmax"):
        subject = Subject(name)
        for bits in WIDTHS:
            for grid in grids(bits):
                row = subject.row(grid, bits)
                rows[_key(row)] = row
            print(name, bits, file=sys.stderr, flush=True)
        write((rows[key] for key in sorted(rows, key=lambda key: (key[0], -int(key[1])))), CSV)
    found = read(CSV)
    REPORT.write_text(f"{report(found)}\n{softmax_table(read(SOFTMAX))}\n")
    print(winners(found))


def _key(row: Row) -> tuple[str, str, str]:
    return row["model"], row["bits"], row["grid"]


def read(path: Path) -> list[Row]:
    """The rows of a file, if there is one."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(rows: Iterable[Row], path: Path) -> None:
    """The whole file."""
    table = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


main()
