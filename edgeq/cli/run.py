"""`edgeq run`: a package on real inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import PATH, output_options, package_argument
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgeq.run.run import Runner


@click.command("run")
@package_argument
@click.option(
    "--on", default="interpreter", show_default=True, type=click.Choice(["interpreter", "host", "qemu", "native"])
)
@click.option("--inputs", required=True, metavar="PATH", type=PATH, help="Samples, in the form of calibration data.")
@click.option("-o", "--output", "outputs", metavar="Y.npz", type=PATH, help="Where the outputs go.")
@output_options
@pass_output
def command(output: Output, /, package: Path, on: Runner, inputs: Path, outputs: Path | None) -> None:
    """Run a firmware package on samples.

    \b
    Example:
      edgeq run build/model --on qemu --inputs samples.npz -o outputs.npz
    """
    from edgeq.run.run import run_package

    with output.progress() as progress:
        result = run_package(package, on, inputs, outputs, progress)
    output.result(result, view)


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import table

    yield table(f"{result['samples']:,} samples on {result['on']}", ("output", "shape"), result["outputs"].items())
