"""`edgeq doctor`: which tools are here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import output_options
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command("doctor")
@output_options
@pass_output
def command(output: Output, /) -> None:
    """Show what is installed, and how to get the rest.

    \b
    Example:
      edgeq doctor
    """
    from edgeq.run.toolchain import doctor

    output.result({"tools": [asdict(status) for status in doctor()]}, view)


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import table

    found = [tool for tool in result["tools"] if tool["path"]]
    missing = [tool for tool in result["tools"] if not tool["path"]]
    if found:
        yield table("Found", ("tool", "version", "path"), ((t["name"], t["version"], str(t["path"])) for t in found))
    if missing:
        rows = ((t["name"], t["needed_for"], t["how_to_get"]) for t in missing)
        yield table("Missing", ("tool", "needed for", "how to get it"), rows)
