"""The progress bar of long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edgeq.cli.safe import printable
from edgeq.progress import Progress as Listener


@contextmanager
def progress_bar() -> Iterator[Listener]:
    """A bar on stderr that shows the stage at work and vanishes at the end; it swings where the length is unknown."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def listen(stage: str, done: int, total: int) -> None:
            bars.update(task, description=printable(stage), completed=done, total=total or None)

        yield listen
