"""Command line of the fit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import product

from edgeq.cost.model import Coefficients, KernelClass
from fit_cost_model.fit import Error, errors, fit
from fit_cost_model.measure import measure
from fit_cost_model.networks import MODELS, PROBES, ROOT
from fit_cost_model.samples import Sample, append, read, write_samples

TARGETS = ("cortex-m4", "cortex-m7", "cortex-m55", "cortex-m0plus")
WIDTHS = ((8, 8), (4, 8), (2, 8), (8, 16))
SAMPLES = ROOT / "benchmarks/kernel_costs.csv"
TABLES = ROOT / "targets/costs"
HEAD = "# Written by tools/fit_cost_model: what a unit of each feature (edgeq/cost/features.py) costs on this target.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Fits targets/costs/*.toml to benchmarks/kernel_costs.csv.")
    parser.add_argument("--measure", action="store_true", help="first add to the samples what they lack, in QEMU")
    parser.add_argument("--again", action="store_true", help="throw away their samples before")
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS, help="only these")
    parser.add_argument("--network", nargs="+", default=(*PROBES, *MODELS), help="measure only these")
    arguments = parser.parse_args()
    if arguments.again:
        write_samples(SAMPLES, [sample for sample in read(SAMPLES) if sample.target not in arguments.target])
    if arguments.measure:
        complete(arguments.target, arguments.network)
    samples = read(SAMPLES)
    for target in arguments.target:
        mine = [sample for sample in samples if sample.target == target]
        if mine:
            write(target, mine)


def complete(targets: Sequence[str], networks: Sequence[str]) -> None:
    """Measures what the samples lack."""
    known = {(sample.target, sample.network, sample.widths) for sample in read(SAMPLES)}
    for target, widths, network in product(targets, WIDTHS, networks):
        if (target, network, widths) not in known:
            print(target, network, *widths, file=sys.stderr, flush=True)
            append(SAMPLES, measure(target, network, widths))


def write(target: str, samples: Sequence[Sample]) -> None:
    """Fits and writes the table of a target, and prints its errors."""
    timed = all(sample.cycles is not None for sample in samples)
    TABLES.mkdir(exist_ok=True)
    found = {"error": worst(target, samples, "instructions")}
    tables = {"instructions": fit(samples, "instructions")}
    if timed:
        found["cycles_error"] = worst(target, samples, "cycles")
        tables["cycles"] = fit(samples, "cycles")
    (TABLES / f"{target}.toml").write_text(toml(found, tables))


def worst(target: str, samples: Sequence[Sample], unit: str) -> float:
    """Prints the errors of the zoo's networks; the largest of those that were left out."""
    rows = errors(samples, MODELS, unit)
    print(
        f"\n{target}, {unit}\n\n| network | weights, activations | counted | fitted | left out |\n|---|---|---|---|---|"
    )
    for row in rows:
        print(line(row))
    return round(max(abs(row.left_out) for row in rows if row.left_out is not None), 3)


def line(row: Error) -> str:
    """A row of the printed table."""
    left_out = "" if row.left_out is None else f"{row.left_out:+.1%}"
    return f"| {row.network} | {row.widths[0]}, {row.widths[1]} | {row.counted:,} | {row.fitted:+.1%} | {left_out} |"


def toml(found: Mapping[str, float], tables: Mapping[str, Mapping[KernelClass, Coefficients]]) -> str:
    """The table as a file."""
    lines = [HEAD, *(f"{name} = {value}" for name, value in found.items())]
    for key in tables["instructions"]:
        lines += ["", "[[class]]", f'kernel = "{key.kernel}"', f"weight_bits = {key.weight_bits}"]
        lines.append(f"wide = {str(key.wide).lower()}")
        lines += [f"{unit} = {{ {row(table[key])} }}" for unit, table in tables.items()]
    return "\n".join((*lines, ""))


def row(coefficients: Coefficients) -> str:
    """Coefficients as entries of a TOML table."""
    return ", ".join(f"{name} = {value}" for name, value in coefficients.items())


main()
