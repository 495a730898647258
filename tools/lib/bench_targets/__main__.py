"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from itertools import product

from bench_targets.measure import ROOT, ZOO, Row, measure
from edgeq.targets.load import all_targets

CSV = ROOT / "benchmarks/targets.csv"
TARGETS = [target.name for target in all_targets() if target.emulator or target.linux]
SHOWN = ("dscnn", "resnet8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs models on every target; writes benchmarks/targets.csv.")
    models = sorted(path.parent.name for path in ZOO.glob("*/model.onnx"))
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these models")
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS, help="only these")
    arguments = parser.parse_args()
    rows = {(row["target"], row["model"]): row for row in read()}
    for model, target in product(arguments.models or models, arguments.target):
        row = rows[target, model] = measure(target, model)
        print(", ".join(row.values()), file=sys.stderr, flush=True)
        write(rows[key] for key in sorted(rows))
    print(markdown(read()))


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


def markdown(rows: list[Row]) -> str:
    """The table for the README: a line for each target."""
    costs = ("instructions", "flash_bytes", "ram_bytes")
    named = [f"{model}: {cost.removesuffix('_bytes')}" for model in SHOWN for cost in costs]
    head = ["target", "run on", "models equal", *named]
    lines = [head, ["---"] * len(head)]
    for target in dict.fromkeys(row["target"] for row in rows):
        mine = {row["model"]: row for row in rows if row["target"] == target}
        equal = sum(row["equal"] == "yes" for row in mine.values())
        cells = [_number(mine.get(model, {}).get(cost, "")) for model in SHOWN for cost in costs]
        lines.append([target, next(iter(mine.values()))["run"], f"{equal} of {len(mine)}", *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(text: str) -> str:
    return f"{int(text):,}" if text else ""


main()
