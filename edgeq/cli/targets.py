"""`edgeq targets`: what edgeq compiles for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import output_options
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgeq.targets.target import Target


@click.command("targets")
@output_options
@pass_output
def command(output: Output, /) -> None:
    """List the targets.

    \b
    Example:
      edgeq targets
    """
    from edgeq.targets.load import all_targets

    output.result({"targets": [_shown(target) for target in all_targets()]}, view)


def _shown(target: Target) -> dict[str, Any]:
    from edgeq.run.device import devices_of

    return {
        "name": target.name,
        "aliases": list(target.aliases),
        "description": target.description,
        "float_abis": list(target.float_abis),
        "runs": list(devices_of(target)),
        "emulated_core": target.emulator.core if target.emulator else "",
    }


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import table

    rows = ((t["name"], ", ".join(t["aliases"]), t["description"], _runs(t)) for t in result["targets"])
    yield table("Targets", ("name", "also", "description", "runs here on"), rows)


def _runs(shown: Mapping[str, Any]) -> str:
    core = shown["emulated_core"]
    return ", ".join(shown["runs"]) + (f", as on a {core}" if core else "")
