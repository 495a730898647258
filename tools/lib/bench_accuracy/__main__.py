"""Command line of the accuracy benchmark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench_accuracy.cells import CONFIGS, MODELS, TOOLS, Cell, Selection, all_cells, float_cell
from bench_accuracy.environment import ensure_peers, interpreter, versions
from bench_accuracy.launch import launch
from bench_accuracy.markdown import markdown, read_csv
from bench_accuracy.store import Store
from bench_accuracy.table import PairRow, RunRow, noise_pairs, pair_row, read_rows, run_row, write_csv
from bench_accuracy.zoo import ROOT

METHODS = tuple(dict.fromkeys(method for tool in TOOLS.values() for method in tool.methods))
RUNS, PAIRS = "accuracy.csv", "accuracy_pairs.csv"


def main() -> None:
    """Runs what is selected and not kept yet, and writes both tables from all that is kept."""
    options = _parser().parse_args()
    if not options.markdown:
        _run(options)
    print(markdown(read_csv(options.out / RUNS), read_csv(options.out / PAIRS)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/bench_accuracy", description=main.__doc__)
    parser.add_argument("--only", nargs="+", default=(), choices=MODELS, help="models")
    parser.add_argument("--config", nargs="+", default=(), choices=CONFIGS, help="widths and granularity")
    parser.add_argument("--tool", nargs="+", default=(), choices=[name for name in TOOLS if name != "float"])
    parser.add_argument("--method", nargs="+", default=(), choices=METHODS, help="methods of the tools")
    parser.add_argument("--again", action="store_true", help="run the selected cells although results are kept")
    parser.add_argument("--markdown", action="store_true", help="run nothing, print the table for the README")
    parser.add_argument("--cache", type=Path, default=ROOT / "build/bench_accuracy", help="where results are kept")
    parser.add_argument("--venv", type=Path, default=ROOT / "build/bench-venv", help="the peers' environment")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="folder of the tables")
    return parser


def _run(options: argparse.Namespace) -> None:
    store = Store(options.cache)
    store.folder.mkdir(parents=True, exist_ok=True)
    selection = Selection(options.only, options.config, options.tool, options.method)
    cells = [cell for cell in all_cells() if cell in selection]
    if any(TOOLS[cell.tool].peer for cell in cells):
        ensure_peers(options.venv)
    floats = [cell for cell in map(float_cell, dict.fromkeys(cell.model for cell in cells)) if not store.has(cell)]
    for cell in [*floats, *(cell for cell in cells if options.again or not store.has(cell))]:
        launch(cell, store, interpreter(options.venv))
        print(cell.key, store.error(cell) or "done", file=sys.stderr, flush=True)
    _write_tables(store, options)


def _write_tables(store: Store, options: argparse.Namespace) -> None:
    """From all that is kept; the comment gives the command that makes the whole tables.

    Rows of runs that are not kept here stay as they are, and so do pairs, but for those of runs that ended differently.
    """
    cells = [cell for cell in all_cells() if store.has(cell)]
    options.out.mkdir(exist_ok=True)
    runs = [run_row(cell, store) for cell in cells]
    before = {row.cell: row for row in read_rows(options.out / RUNS, RunRow)}
    changed = {row.cell for row in runs if row.cell in before and row.figures != before[row.cell].figures}
    runs += [row for cell, row in before.items() if cell not in cells]
    pairs = _pair_rows(cells, store)
    kept = [row for row in read_rows(options.out / PAIRS, PairRow) if not changed & {*row.cells}]
    for more in (kept, noise_pairs(runs)):
        known = {row.cells for row in pairs}
        pairs += [row for row in more if row.cells not in known]
    tools = {"edgeq": version("edgeq")} | versions(options.venv)
    made_by = f"tools/bench_accuracy; {', '.join(f'{name} {number}' for name, number in tools.items())}"
    costs = "seconds, cpu_seconds, peak_mib: of quantization, in its own process; sqnr_db: of outputs against float"
    write_csv(options.out / RUNS, sorted(runs, key=lambda row: _order(row.cell)), RunRow, [made_by, costs])
    write_csv(options.out / PAIRS, sorted(pairs, key=lambda row: [*map(_order, row.cells)]), PairRow, [made_by])


def _pair_rows(cells: Sequence[Cell], store: Store) -> list[PairRow]:
    ours = [cell for cell in cells if cell.tool == "edgeq"]
    peers = [cell for cell in cells if cell.tool != "edgeq"]
    rows = (
        pair_row(cell, peer, store)
        for cell in ours
        for peer in peers
        if (cell.model, cell.config) == (peer.model, peer.config)
    )
    return [row for row in rows if row is not None]


def _order(cell: Cell) -> tuple[int, int, int, int]:
    methods = TOOLS[cell.tool].methods
    return (
        MODELS.index(cell.model),
        list(CONFIGS).index(cell.config),
        list(TOOLS).index(cell.tool),
        methods.index(cell.method),
    )


if __name__ == "__main__":
    main()
