"""Pieces that the commands' tables are made of. Text of models is data here, never markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edgeq.cli.safe import printable

BAR_WIDTH = 24
Cell = str | int | float | Sequence[int] | ProgressBar | None


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Group:
    """A table under its title; a column whose name starts with `>` is aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, ProgressBar) else Text(_text(cell)) for cell in row))
    return Group(line(title, "bold"), made)


def line(text: str, style: str = "") -> Text:
    """One line of text."""
    return Text(printable(text), style=style)


def bar(part: float, whole: float) -> ProgressBar:
    """The share of `part` in `whole`; full and red where it is more."""
    style = "red" if part > whole else "cyan"
    return ProgressBar(
        total=max(whole, 1), completed=min(part, whole), width=BAR_WIDTH, complete_style=style, finished_style=style
    )


def percent(part: float, whole: float) -> str:
    """The share of `part` in `whole` as text."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def _text(cell: object) -> str:
    """Numbers with thousands separators, shapes as 1x3x96x96, what is missing as a dash."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.2f}"
    if isinstance(cell, list | tuple):
        return "x".join(map(str, cell)) or "scalar"
    return f"{cell:,}" if isinstance(cell, int) else printable(str(cell))
