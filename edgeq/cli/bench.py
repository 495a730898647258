"""`edgeq bench`: what an inference costs on the emulated board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli.options import output_options, package_argument
from edgeq.cli.output import Output, pass_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgeq.cli.tables import Cell


@click.command("bench")
@package_argument
@output_options
@pass_output
def command(output: Output, /, package: Path) -> None:
    """Measure instructions, flash and RAM in QEMU, and estimate cycles.

    \b
    Example:
      edgeq bench build/model
    """
    from edgeq.run.bench import bench_package

    with output.progress() as progress:
        result = bench_package(package, progress)
    output.result(result, view)


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.reports import memory_table
    from edgeq.cli.tables import line, table

    total, estimate = result["instructions"], result["estimate"]
    columns = ("kernel", ">MACs", ">instructions", *([">cycles"] if estimate else []), ">share", "")
    yield table("Kernels", columns, (_row(kernel, total, bool(estimate)) for kernel in result["kernels"]))
    yield memory_table("Flash", result["flash_bytes"], None)
    yield line(f"Arena {result['arena_bytes']:,} bytes, stack {result['stack_bytes']:,} bytes.")
    if estimate:
        yield line(f"About {estimate['cycles']:,} cycles{_error(estimate['residual'])}: {estimate['core']}.")
    counted = "Nothing counts instructions here." if total is None else f"{total:,} instructions per inference."
    yield line(counted, "bold")


def _row(kernel: Mapping[str, Any], total: int, estimated: bool) -> tuple[Cell, ...]:
    from edgeq.cli.tables import bar, percent

    if total is None:
        return (kernel["name"], kernel["macs"], "", "", "")
    counts = (kernel["instructions"], kernel["cycles"]) if estimated else (kernel["instructions"],)
    shares = (percent(kernel["instructions"], total), bar(kernel["instructions"], total))
    return (kernel["name"], kernel["macs"], *counts, *shares)


def _error(residual: float | None) -> str:
    return "" if residual is None else f", {residual:.1%} off published times at most"
