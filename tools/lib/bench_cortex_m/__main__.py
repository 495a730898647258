"""Command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

from bench_cortex_m.measure import ROOT, Cell, measure
from bench_cortex_m.tables import LAYERS, RATIOS, TOTALS, layer_rows, markdown, read_csv, total_rows, write_csv

TARGETS = ("cortex-m4", "cortex-m7", "cortex-m55")
MODELS = ("resnet8", "dscnn", "vww", "autoencoder", "sww", "mnist_mbv2_torch")
WEIGHT_BITS = (8, 4)
OUT = ROOT / "benchmarks"

TEXT = """\
# Inference on Cortex-M

Made by `tools/bench_cortex_m`: models compiled with default flags (and `--weight-bits 4`, activations of 8 bits),
calibrated on the zoo's samples, every result equal to the interpreter's, instructions counted exactly in QEMU. Cycles
are estimates. RAM is arena with scratch memory, inputs and outputs; the stack is apart. Flash is the linked package,
with its call sequence. `c_ratio` is the instructions of the package's C, built by GCC -O2, to those of its objects, on
one core of each family. Other ratios are to the int8 kernels of CMSIS-NN called layer by layer
(`tools/lib/bench_cortex_m/peers.py`), whose flash includes about 2 KB of harness.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures inference on emulated boards; writes benchmarks/cortex_m*.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these models; others keep their rows")
    parser.add_argument(
        "--target", nargs="+", choices=TARGETS, default=TARGETS, help="only these; others keep their rows"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.models) - set(MODELS)
    if unknown:
        parser.error(f"no models of this benchmark: {', '.join(sorted(unknown))}; it has {', '.join(MODELS)}")
    cells = []
    for target, bits, model in product(arguments.target, WEIGHT_BITS, arguments.models or MODELS):
        print(f"{target} {model} W{bits}", file=sys.stderr, flush=True)
        cells.append(measure(target, model, bits))
        write(cells)
    print(markdown((*TOTALS, *RATIOS), total_rows(cells)))


def write(cells: list[Cell]) -> None:
    """Writes the rows of the cells in place of what the files have of them."""
    totals = merged(OUT / "cortex_m.csv", total_rows(cells))
    write_csv(OUT / "cortex_m.csv", (*TOTALS, *RATIOS), totals)
    layers = merged(OUT / "cortex_m_layers.csv", layer_rows(cells))
    write_csv(OUT / "cortex_m_layers.csv", LAYERS, layers)
    (OUT / "cortex_m.md").write_text(TEXT + markdown((*TOTALS, *RATIOS), totals))


def merged(path: Path, rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """New rows, and those that the file has of other cells, in the order in which all are measured."""
    order = list(product(TARGETS, WEIGHT_BITS, MODELS))
    measured = {row[:3] for row in rows}
    every = [*rows, *(row for row in read_csv(path) if row[:3] not in measured)]
    return sorted(every, key=lambda row: order.index(row[:3]))  # type: ignore[arg-type]


main()
