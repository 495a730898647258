"""`edgeq debug`: where quantization loses precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import PATH, model_options, output_options, read_config
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgeq.cli.tables import Cell

SHOWN = 12
_COLUMNS = ("layer", "operator", ">bits", ">weights", ">alone", ">in network", ">range used", ">clipped", ">costs", "")


@click.command("debug")
@click.argument("path", metavar="MODEL.onnx|DIR", type=PATH)
@click.option("--attribute", is_flag=True, help="Quantize again with one pass more each time, and measure each.")
@model_options
@output_options
@pass_output
def command(output: Output, /, path: Path, attribute: bool, **options: Any) -> None:
    """Show where quantization loses precision.

    Lists the layers, the worst first. Of a package, or of a model that is quantized already, only the activations
    are judged.

    \b
    Example:
      edgeq debug model.onnx --calib calib.npz --eval eval.npz
    """
    from edgeq.debugger import debug

    config = read_config(options)
    with output.progress() as progress:
        result = debug(path, config, attribution=attribute, progress=progress)
    output.result(result, view)


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import line, table

    layers = result["layers"]
    title = f"Layers ({min(SHOWN, len(layers))} of {len(layers)}: the network loses most by them; SQNR in dB)"
    worst = max((_noise(layer) for layer in layers), default=0.0)
    yield table(title, _COLUMNS, (_row(layer, worst) for layer in layers[:SHOWN]))
    yield line(
        "weights: of the weights; alone: of the output, given float inputs; in network: given what the quantized\n"
        "layers before it make; costs: of the network's outputs when only this layer is quantized.\n"
        f"Compared: {result['compared']}, on {result['samples']} samples."
    )
    if result["attribution"]:
        stages = result["attribution"]
        rows = [(row["stage"], row["metric"], row["quantized"], row["sqnr_db"]) for row in stages]
        rows.insert(0, ("float", stages[0]["metric"], stages[0]["float"], None))
        yield table("What each pass contributes", ("passes", "metric", ">value", ">SQNR dB"), rows)


def _row(layer: Mapping[str, Any], worst: float) -> Sequence[Cell]:
    from edgeq.cli.tables import bar, percent

    return (
        layer["name"],
        layer["op"],
        layer["bits"],
        layer["weight_sqnr_db"],
        layer["own_sqnr_db"],
        layer["sqnr_db"],
        percent(layer["utilization"], 1),
        percent(layer["clipped"], 1),
        layer["network_sqnr_db"],
        bar(_noise(layer) / worst if worst else 0.0, 1.0),
    )


def _noise(layer: Mapping[str, Any]) -> float:
    """Noise-to-signal ratio of the network's outputs: what the bars show."""
    return float(10 ** (-layer["network_sqnr_db"] / 10))
