"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable

from bench_grids.measure import ROOT, WIDTHS, ZOO, Row, Subject, grids
from bench_grids.tables import report, winners

CSV, REPORT = ROOT / "benchmarks/grids.csv", ROOT / "benchmarks/grids.md"


def main() -> None:
    parser = argparse.ArgumentParser(description="Weights on other grids; writes benchmarks/grids.csv and grids.md.")
    models = sorted(path.parent.name for path in ZOO.glob("*/model.onnx"))
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these models")
    rows = {_key(row): row for row in read()}
    for name in parser.parse_args().models or models:
        subject = Subject(name)
        for bits in WIDTHS:
            for grid in grids(bits):
                row = subject.row(grid, bits)
                rows[_key(row)] = row
            print(name, bits, file=sys.stderr, flush=True)
        write(rows[key] for key in sorted(rows, key=lambda key: (key[0], -int(key[1]))))
    found = read()
    REPORT.write_text(report(found))
    print(winners(found))


def _key(row: Row) -> tuple[str, str, str]:
    return row["model"], row["bits"], row["grid"]


def read() -> list[Row]:
    """The rows of the file, if there is one."""
    if not CSV.exists():
        return []
    with CSV.open(newline="") as file:
        return list(csv.DictReader(file))


def write(rows: Iterable[Row]) -> None:
    """The whole file."""
    table = list(rows)
    with CSV.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


main()
