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

SIMULATIONS = {"csim": "C simulation", "sim": "Verilator"}
"""Of FPGA packages: targets of their Makefiles, in words."""


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
    runs = _runners(target)
    here = [runner for runner, missing in runs.items() if not missing]
    return {
        "name": target.name,
        "aliases": list(target.aliases),
        "description": target.description,
        "float_abis": list(target.float_abis),
        "runs": here,
        "missing": [] if here else sorted({tool for missing in runs.values() for tool in missing}),
        "emulated_core": target.emulator.core if target.emulator else "",
    }


def _runners(target: Target) -> dict[str, list[str]]:
    """What can verify packages for a target on such a computer, and the tools that it needs and this one lacks."""
    from edgeq.fpga.backend import load_backend
    from edgeq.run.device import devices_of, tools_of
    from edgeq.run.toolchain import missing_tools

    if target.fpga:
        return {load_backend(target).simulate: missing_tools(tools_of(target))}
    return {device: missing_tools(tools_of(target, device)) for device in devices_of(target)} or {"host": []}


def view(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    from edgeq.cli.tables import table

    rows = ((t["name"], ", ".join(t["aliases"]), t["description"], _runs(t)) for t in result["targets"])
    yield table("Targets", ("name", "also", "description", "runs here on"), rows)


def _runs(shown: Mapping[str, Any]) -> str:
    if shown["missing"]:
        return f"nothing without {', '.join(shown['missing'])}"
    core = shown["emulated_core"]
    return ", ".join(SIMULATIONS.get(run, run) for run in shown["runs"]) + (f", as on a {core}" if core else "")
