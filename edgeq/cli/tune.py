"""`edgeq tune`: a search for the widths and ranges that lose least within the budgets of a target."""

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
    output_options,
    pass_option,
    read_config,
    search_options,
    shape_option,
)
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgeq.config import Config


@click.command("tune")
@click.argument("model", metavar="MODEL.onnx", type=PATH)
@config_option("target", "What to tune for; `edgeq targets` lists them.", "-t", metavar="NAME")
@config_option("calib", "Calibration data: .npz, .npy, or a folder of them.", metavar="PATH")
@config_option(
    "eval", "Evaluation data: one half steers the search, accuracy is reported on the other.", metavar="PATH"
)
@config_option("metric", "What accuracy means; default: top1 where there are labels, else sqnr.")
@budget_options
@search_options
@click.option("--plot", type=PATH, metavar="FILE.svg", help="Draw all trials and the front to this file.")
@pass_option
@shape_option
@config_option("seed", "Of everything random.", metavar="N")
@click.option("--config", type=PATH, help="Options from a TOML file; those of the command line come first.")
@output_options
@pass_output
def command(output: Output, /, model: Path, plot: Path | None, **options: Any) -> None:
    """Search the widths of layers under budgets.

    Shows the Pareto front of loss, flash, RAM and cycles. Trials are kept in the
    database of the study: the same command goes on where it ended.

    \b
    Example:
      edgeq tune model.onnx --target cortex-m4 --calib calib.npz \\
        --eval eval.npz --max-flash 64K --trials 200
      edgeq compile model.onnx --target cortex-m4 --calib calib.npz \\
        --eval eval.npz --study model-cortex-m4.db --pick 17
    """
    from edgeq.tune.tuner import tune_model

    config = read_config(options)
    with output.gate(partial(view, config)), output.progress() as progress:
        tuned = tune_model(model, config, progress)
    output.result(tuned.report, partial(view, config))
    if plot is not None:
        from edgeq.package.write import write_file
        from edgeq.tune.plot import plot_svg

        write_file(plot_svg(tuned.report).encode(), plot)
    output.note(f"To compile the best: edgeq compile ... --study {tuned.report['study']} --pick {tuned.best.number}")


def view(config: Config, report: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tuning import front_table, search_line

    yield search_line(report)
    yield front_table(report)
    yield from report["notes"]
