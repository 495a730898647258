"""`edgeq compile`: a model to a firmware package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import (
    PATH,
    budget_options,
    config_option,
    model_options,
    output_options,
    read_config,
    search_options,
)
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgeq.config import Config


@click.command("compile")
@click.argument("model", metavar="MODEL.onnx", type=PATH)
@config_option("target", "What to compile for; `edgeq targets` lists them.", "-t", metavar="NAME")
@config_option("out", "Folder of the package; default: NAME-TARGET.", "-o", metavar="DIR")
@config_option("name", "Prefix of files and symbols; default: the model's file name.", metavar="NAME")
@config_option("emit", "Kernels as object code, or as C source (with DSP intrinsics, without vector instructions).")
@config_option("float_abi", "Calling convention of the objects; default: the target's.")
@config_option("io_layout", "Layout of inputs and outputs.")
@config_option("input_type", "Type of inputs and outputs.")
@config_option("io", "Where inputs and outputs lie: in the arena (least RAM), or in the caller's own memory.")
@budget_options
@config_option("bits", "Uniform widths, or those that a search finds best within the budgets.")
@search_options
@config_option("pick", "Compile what this trial of --study chose.", metavar="N")
@config_option("patch", "Run the first layers in patches: less RAM, more work; auto: where --max-ram asks for it.")
@config_option("max_dsp", "FPGA: DSP slices that the design may take; default: all.", metavar="N")
@config_option("max_bram", "FPGA: block RAMs of 18 Kbit that it may take; default: all.", metavar="N")
@config_option("target_fps", "FPGA: inferences per second that are enough; default: as many as fit.", metavar="N")
@model_options
@output_options
@pass_output
def command(output: Output, /, model: Path, **options: Any) -> None:
    """Compile a model to a firmware package.

    \b
    Example:
      edgeq compile model.onnx --target cortex-m \\
        --calib calib.npz --eval eval.npz -o build/model
    """
    from edgeq.compiler import compile_model

    config = read_config(options)
    show = partial(view, config)
    with output.gate(show), output.progress() as progress:
        result = compile_model(model, config, progress)
    output.result(result.report, show)
    output.note(f"Firmware package: {result.out}")


def view(config: Config, report: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.reports import accuracy_table, exactness, fpga_tables, layers_table, memory_table

    yield from accuracy_table(report)
    if "fpga" in report:
        yield from fpga_tables(report["fpga"])
    else:
        yield memory_table("Flash", report["memory"]["flash_bytes"], config.max_flash)
        yield memory_table("RAM", report["memory"]["ram_bytes"], config.max_ram)
    yield layers_table(report["layers"])
    yield from exactness(report)
