"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import sys

from bench_targets.measure import measure
from bench_targets.reference import every_model
from bench_targets.table import Row, devices, processors, read, write
from edgeq.targets.load import all_targets

TARGETS = [target.name for target in all_targets()]


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs models on every target; writes benchmarks/targets.csv.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these models")
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS, help="only these")
    parser.add_argument("--again", action="store_true", help="also what the file has already")
    arguments = parser.parse_args()
    for model in arguments.models or every_model():
        for target in arguments.target:
            if arguments.again or (target, model) not in _table():
                row = measure(target, model)
                print(", ".join(row.values()), file=sys.stderr, flush=True)
                write(row for _, row in sorted((_table() | {(target, model): row}).items()))
    print(processors(read()), devices(read()), sep="\n\n")


def _table() -> dict[tuple[str, str], Row]:
    return {(row["target"], row["model"]): row for row in read()}


main()
