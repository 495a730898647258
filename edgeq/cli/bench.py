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


@click.command("bench")
@package_argument
@output_options
@pass_output
def command(output: Output, /, package: Path) -> None:
    """Measure instructions, flash and RAM in QEMU.

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
    from edgeq.cli.tables import bar, line, percent, table

    total = result["instructions"]
    rows = (
        (k["name"], k["macs"], k["instructions"], percent(k["instructions"], total), bar(k["instructions"], total))
        for k in result["kernels"]
    )
    yield table("Kernels", ("kernel", ">MACs", ">instructions", ">share", ""), rows)
    yield memory_table("Flash", result["flash_bytes"], None)
    yield line(f"Arena {result['arena_bytes']:,} bytes, stack {result['stack_bytes']:,} bytes.")
    yield line(f"{total:,} instructions per inference.", "bold")
