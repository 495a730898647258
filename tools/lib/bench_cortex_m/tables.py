"""Cells as CSV and Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench_cortex_m.measure import Cell
from bench_cortex_m.peers import CLOCK_KHZ, PEERS, PUBLISHED

TOTALS = (
    *("target", "weight_bits", "model", "macs", "instructions", "per_mac", "c_ratio", "cycles"),
    *("flash", "weights", "ram", "stack"),
)
RATIOS = ("instructions_ratio", "flash_ratio", "ram_ratio", "cycles_to_x_cube_ai", "cycles_to_plumerai")
LAYERS = ("target", "weight_bits", "model", "layer", "op", "macs", "instructions", "per_mac", "cycles")


def total_rows(cells: Iterable[Cell]) -> list[tuple[object, ...]]:
    """A row per cell: TOTALS, then RATIOS to the peer, empty where there is none."""
    rows: list[tuple[object, ...]] = []
    for cell in cells:
        per_mac = _per(cell.instructions, cell.macs)
        c_ratio = _per(cell.c_instructions, cell.instructions) if cell.c_instructions else ""
        speed = (cell.macs, cell.instructions, per_mac, c_ratio, cell.cycles or "")
        own = (cell.target, cell.weight_bits, cell.model, *speed, cell.flash, cell.weights, cell.ram, cell.stack)
        rows.append((*own, *_ratios(cell)))
    return rows


def _ratios(cell: Cell) -> list[str]:
    peer = PEERS.get((cell.target, cell.model))
    if peer is None:
        return [""] * len(RATIOS)
    return [
        _per(cell.instructions, peer.instructions),
        _per(cell.flash, peer.flash or 0),
        _per(cell.ram, peer.ram),
        *_cycles_ratios(cell),
    ]


def _cycles_ratios(cell: Cell) -> list[str]:
    """Estimated cycles to published ones."""
    published = PUBLISHED.get((cell.target, cell.model))
    if published is None or cell.cycles is None:
        return ["", ""]
    return [f"{cell.cycles / (milliseconds * CLOCK_KHZ):.3f}" for milliseconds in published]


def layer_rows(cells: Iterable[Cell]) -> list[tuple[object, ...]]:
    """A row per kernel call."""
    return [(*(c.target, c.weight_bits, c.model), *_layer(r)) for c in cells for r in c.layers]


def _layer(row: dict[str, Any]) -> tuple[object, ...]:
    per_mac = _per(row["instructions"], row["macs"])
    return row["name"], row["op"], row["macs"], row["instructions"], per_mac, row["cycles"] or ""


def _per(value: int, unit: int) -> str:
    return f"{value / unit:.3f}" if unit else ""


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def read_csv(path: Path) -> list[tuple[object, ...]]:
    """The rows of a table that was written, whole numbers as such; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        _, *rows = csv.reader(file)
    return [tuple(int(value) if value.isdigit() else value for value in row) for row in rows]


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, numbers with separators."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(f"{v:,}" if isinstance(v, int) else str(v) for v in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
