"""Tables of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from edgeq.cli.tables import line, table

COLUMNS = ("trial", ">loss", ">drop", ">accuracy", ">flash", ">weights", ">RAM", ">cycles", "weight bits", "")


def search_line(report: Mapping[str, Any]) -> Text:
    """How many trials there were, and where they are kept."""
    trials = report["trials"]
    counts = f"{trials['count']:,} trials ({trials['stopped']:,} stopped as hopeless, {trials['failed']:,} failed)"
    return line(f"{counts} by {report['strategy']}, kept in {report['study']}")


def front_table(report: Mapping[str, Any]) -> Group:
    """The Pareto front, by loss; accuracy is on samples that the search has not seen."""
    return table("Pareto front", COLUMNS, (_row(row, report["best"]) for row in report["front"]))


def _row(row: Mapping[str, Any], best: int | None) -> tuple[str | int | None, ...]:
    accuracy = row["accuracy"]
    shown = f"{accuracy['quantized']:.1f} dB" if accuracy["metric"] == "sqnr" else f"{accuracy['quantized']:.2%}"
    return (
        row["number"],
        f"{row['loss']:.4g}",
        f"{row['drop']:.2%}",
        shown,
        row["flash_bytes"],
        row["weight_bytes"],
        row["ram_bytes"],
        None if row["cycles"] is None else round(row["cycles"]),
        _widths(row["choices"]),
        "best within the budgets" if row["number"] == best else "",
    )


def _widths(choices: Mapping[str, Any]) -> str:
    """How many layers have which width of weights: `5 x 8, 4 x 4`."""
    bits = [value for name, value in choices.items() if name.startswith("weight_bits:")]
    return ", ".join(f"{bits.count(width)} x {width}" for width in (8, 4, 2) if width in bits)
