"""`edgeq quantize`: a model to QDQ ONNX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import PATH, model_options, output_options, read_config
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command("quantize")
@click.argument("model", metavar="MODEL.onnx", type=PATH)
@click.option("-o", "--output", required=True, metavar="OUT.onnx", type=PATH, help="Where the quantized model goes.")
@model_options
@output_options
@pass_output
def command(output: Output, /, model: Path, **options: Any) -> None:
    """Quantize a model and stop at ONNX.

    The result is a QDQ model that any ONNX runtime runs.

    \b
    Example:
      edgeq quantize model.onnx --calib calib.npz -o model.qdq.onnx
    """
    from edgeq.compiler import quantize_model

    target, config = options.pop("output"), read_config(options)
    with output.gate(view), output.progress() as progress:
        report = quantize_model(model, target, config, progress)
    output.result(report, view)
    output.note(f"Quantized model: {target}")


def view(report: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.reports import accuracy_table

    yield from accuracy_table(report)
