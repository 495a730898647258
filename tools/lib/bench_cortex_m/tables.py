"""Cells as CSV and Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench_cortex_m.measure import Cell
from bench_cortex_m.peers import PEERS

TOTALS = ("target", "model", "macs", "instructions", "per_mac", "flash", "ram", "stack")
RATIOS = ("instructions_ratio", "flash_ratio", "ram_ratio")
LAYERS = ("target", "model", "layer", "op", "macs", "instructions", "per_mac")


def total_rows(cells: Iterable[Cell]) -> list[tuple[object, ...]]:
    """A row per cell: TOTALS, then RATIOS to the peer, empty where there is none."""
    rows: list[tuple[object, ...]] = []
    for cell in cells:
        own = (cell.macs, cell.instructions, _per(cell.instructions, cell.macs), cell.flash, cell.ram, cell.stack)
        peer = PEERS.get((cell.target, cell.model))
        pairs = peer and ((cell.instructions, peer.instructions), (cell.flash, peer.flash), (cell.ram, peer.ram))
        rows.append((cell.target, cell.model, *own, *(_per(*pair) for pair in pairs or ((0, 0),) * 3)))
    return rows


def layer_rows(cells: Iterable[Cell]) -> list[tuple[object, ...]]:
    """A row per kernel call."""
    return [
        (c.target, c.model, r["name"], r["op"], r["macs"], r["instructions"], _per(r["instructions"], r["macs"]))
        for c in cells
        for r in c.layers
    ]


def _per(value: int, unit: int) -> str:
    return f"{value / unit:.3f}" if unit else ""


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, numbers with separators."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(f"{v:,}" if isinstance(v, int) else str(v) for v in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
