"""`edgeq verify`: every runner gives the same bytes, or the first difference is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import PATH, output_options, package_argument
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command("verify")
@package_argument
@click.option("--samples", metavar="N", type=click.IntRange(min=1), help="Number of samples.")
@click.option("--inputs", metavar="PATH", type=PATH, help="Samples, in the form of calibration data.")
@output_options
@pass_output
@click.pass_context
def command(ctx: click.Context, output: Output, /, package: Path, samples: int | None, inputs: Path | None) -> None:
    """Compare interpreter, host and emulated board.

    Exit code 1 if their outputs are not equal byte by byte.

    \b
    Example:
      edgeq verify build/model --samples 20
    """
    from edgeq.run.verify import verify_package

    with output.progress() as progress:
        result = verify_package(package, samples, inputs, progress)
    output.result(result, view)
    if not result["equal"]:
        ctx.exit(1)


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import line, table

    runners = ", ".join(result["runners"])
    verdict = ("equal bytes", "bold green") if result["equal"] else ("DIFFERENT", "bold red")
    yield line(f"{verdict[0]} on {result['samples']:,} samples: {runners}", verdict[1])
    yield line(f"the target's own programs: {result['device']}")
    if result["cycles"] is not None:
        yield line(f"cycles from one inference to the next, as simulated: {result['cycles']:,}")
    if result["first_difference"] is not None:
        yield table("First difference", ("", ""), result["first_difference"].items())
