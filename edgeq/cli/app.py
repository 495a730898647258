"""The command `edgeq` itself: its commands by name, each imported when it is used."""

from __future__ import annotations

from importlib import import_module

import click

from edgeq.cli.failures import reported
from edgeq.cli.output import Output

COMMANDS = {
    "compile": "edgeq.cli.compile:command",
    "tune": "edgeq.cli.tune:command",
    "quantize": "edgeq.cli.quantize:command",
    "run": "edgeq.cli.run:command",
    "verify": "edgeq.cli.verify:command",
    "bench": "edgeq.cli.bench:command",
    "inspect": "edgeq.cli.inspect:command",
    "debug": "edgeq.cli.debug:command",
    "targets": "edgeq.cli.targets:command",
    "doctor": "edgeq.cli.doctor:command",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for, and reports every failure in one way."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Looked up before parsing, so that a usage error of a command knows its form as well.
        ctx.obj = Output(as_json="--json" in args, quiet="--quiet" in args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with reported(ctx.obj):
            return super().invoke(ctx)


@click.group("edgeq", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edgeq", message="%(prog)s %(version)s")
def main() -> None:
    """Compile ONNX models to integer firmware for edge devices.

    Exit codes: 0 done, 1 error, 2 wrong usage, 3 a budget or accuracy gate is not met.
    """
