"""Where results go: JSON alone on stdout, or tables for people; progress and warnings go to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.safe import plain, printable
from edgeq.errors import GateError
from edgeq.progress import Progress, silent

if TYPE_CHECKING:
    from rich.console import RenderableType

    View = Callable[[Mapping[str, Any]], Iterable[RenderableType]]

PIPE_WIDTH = 120
"""Columns of tables that do not go to a terminal."""


@dataclass(frozen=True)
class Output:
    """How the user wants to see results.

    Attributes:
        as_json: One JSON document on stdout, and nothing else there.
        quiet: Only warnings and errors.
    """

    as_json: bool = False
    quiet: bool = False

    def result(self, data: Mapping[str, Any], view: View) -> None:
        """Shows a command's result: as JSON, as the tables that `view` makes of it, or not at all."""
        for warning in data.get("warnings", ()):
            click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {printable(warning)}", err=True)
        self.write_json(data)
        if not (self.as_json or self.quiet):
            _print(view(data))

    def write_json(self, data: Mapping[str, Any]) -> None:
        """Writes `data` where JSON is wanted; what JSON has no number for becomes null."""
        if self.as_json:
            click.echo(json.dumps(plain(data), indent=2, allow_nan=False))

    def note(self, text: str) -> None:
        """One line for people after the result, such as where a file lies."""
        if not (self.as_json or self.quiet):
            click.secho(printable(text), bold=True)

    @contextmanager
    def gate(self, view: View) -> Iterator[None]:
        """Where a gate is judged on a finished report and not met, shows that before the error."""
        try:
            yield
        except GateError as error:
            if error.report and not self.as_json:
                self.result(error.report, view)
            raise

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress bar on stderr while the block runs, where a person watches."""
        if self.as_json or self.quiet or not sys.stderr.isatty():
            yield silent
            return
        from edgeq.cli.bars import progress_bar

        with progress_bar() as progress:
            yield progress


def _print(parts: Iterable[RenderableType]) -> None:
    """Prints tables and lines, an empty line between them; plain text goes out as it is, however wide."""
    from rich.console import Console

    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    console = Console(width=PIPE_WIDTH if wide else None, highlight=False, markup=False, emoji=False)
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(part, soft_wrap=isinstance(part, str))


pass_output = click.make_pass_decorator(Output)
"""Hands a command its `Output` as first argument."""
