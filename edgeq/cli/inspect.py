"""`edgeq inspect`: what is in a model or in a package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import PATH, output_options, shape_option
from edgeq.cli.output import Output, pass_output
from edgeq.cli.safe import printable

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command("inspect")
@click.argument("path", metavar="MODEL.onnx|DIR", type=PATH)
@shape_option
@output_options
@pass_output
def command(output: Output, /, path: Path, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> None:
    """Show a model's operators, or a package's integer program.

    \b
    Example:
      edgeq inspect model.onnx
    """
    from edgeq.report.inspect import inspect_model, inspect_package

    if path.is_dir():
        output.result({"program": inspect_package(path)}, lambda result: [printable(result["program"])])
    else:
        output.result(inspect_model(path, dict(shapes)), view)


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import line, table

    nodes = result["nodes"]
    ports = [(kind, name, shape) for kind in ("inputs", "outputs") for name, shape in result[kind].items()]
    yield table("Interface", ("", "name", "shape"), ports)
    yield table(
        "Nodes",
        ("node", "operator", "output shape", ">MACs", ">parameters"),
        ((node["name"], node["op"], node["shape"], node["macs"], node["params"]) for node in nodes),
    )
    yield line(f"{len(nodes):,} nodes, {result['macs']:,} MACs, {result['params']:,} parameters", "bold")
    refused = [(node["name"], node["op"], node["unsupported"]) for node in nodes if node["unsupported"]]
    if refused:
        yield table("Not supported", ("node", "operator", "why"), refused)
