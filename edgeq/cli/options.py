"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from edgeq import config_values as values
from edgeq.config import KINDS, Config, load_config
from edgeq.config_values import Kind

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)


class ConfigParam(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases of click
    """A kind of configuration value as a parameter of the command line."""

    def __init__(self, kind: Kind, name: str) -> None:
        self.kind = kind
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self.kind.read(value)
        except (ValueError, TypeError):
            self.fail(f"{value!r} is not {self.kind.expected}.", param, ctx)


def config_option(key: str, help: str, *flags: str, metavar: str = "") -> Callable[[Decorated], Decorated]:
    """The option for a field of `Config`; it has no default here, so that the configuration file can give one."""
    kind, default = KINDS[key], getattr(Config, key, None)
    return click.option(
        *flags,
        "--" + key.replace("_", "-"),
        key,
        type=click.Choice(kind.choices) if kind.choices else ConfigParam(kind, metavar or "TEXT"),
        help=f"{help}  [default: {default}]" if isinstance(default, str | int) else help,
    )


def output_options(command: Decorated) -> Decorated:
    """`--json` and `--quiet`, whose values are in the command's `Output`."""
    command = click.option("--quiet", is_flag=True, expose_value=False, help="Print only warnings and errors.")(command)
    return click.option("--json", is_flag=True, expose_value=False, help="Print one JSON document.")(command)


def shape_option(command: Decorated) -> Decorated:
    """`--shape`, once per input."""
    kind = ConfigParam(values.NAMED_SHAPE, "NAME=N,N,...")
    help = "Shape of an input with dynamic dimensions; repeat for each."
    return click.option("--shape", "shapes", multiple=True, type=kind, help=help)(command)


def pass_option(command: Decorated) -> Decorated:
    """`--pass`, once per setting."""
    kind = ConfigParam(values.PASS_SETTING, "NAME[.OPTION]=VALUE")
    help = "Switch a quantization pass (equalize_layers=off) or set an option of it; repeat for each."
    return click.option("--pass", "passes", multiple=True, type=kind, help=help)(command)


def model_options(command: Decorated) -> Decorated:
    """What `compile` and `quantize` both need to know."""
    options = (
        config_option(
            "calib",
            "Calibration data: .npz, .npy, or a folder of them; `synthetic` or `genie`: samples distilled from "
            "the model's batch normalization, from noise or by a generator.",
            metavar="PATH",
        ),
        config_option("eval", "Data to measure accuracy on; with an array `labels` for top1 and auc.", metavar="PATH"),
        config_option("metric", "What accuracy means; default: top1 where there are labels, else sqnr."),
        config_option("min_accuracy", "Gate: fail with exit code 3 below it.", metavar="NUMBER"),
        config_option("preset", "How much work quantization may be."),
        config_option("weight_bits", "Bits of all weights: 8, 4 or 2.", metavar="BITS"),
        config_option("activation_bits", "Bits of activations inside: 8, 16 or 4.", metavar="BITS"),
        config_option("granularity", "One weight scale per output channel or per tensor."),
        pass_option,
        config_option("dump_passes", "Write the ONNX model after each pass to this folder.", metavar="DIR"),
        shape_option,
        config_option(
            "input_range", "Range of the random data that take the place of --calib; default: 0,1.", metavar="LOW,HIGH"
        ),
        config_option("seed", "Of everything random.", metavar="N"),
        click.option("--config", type=PATH, help="Options from a TOML file; those of the command line come first."),
    )
    return _with(command, *options)


def budget_options(command: Decorated) -> Decorated:
    """Budgets of a processor's memory and time, and of what quantization may lose."""
    return _with(
        command,
        config_option("max_flash", "Budget of flash.", metavar="SIZE"),
        config_option("max_weights", "Budget of packed weights, which are part of the flash.", metavar="SIZE"),
        config_option("max_ram", "Budget of RAM.", metavar="SIZE"),
        config_option("max_cycles", "Budget of estimated cycles of one inference.", metavar="N"),
        config_option("max_loss", "What the metric may lose to the float model, such as 0.5%.", metavar="SHARE"),
    )


def search_options(command: Decorated) -> Decorated:
    """How widths are searched for."""
    return _with(
        command,
        config_option("strategy", "How allocations are proposed.", metavar="NAME"),
        config_option("inter_layer", "Let `ilp` count what neighbouring layers lose together; many more probes."),
        config_option("trials", "Trials of the study in all.", metavar="N"),
        config_option("study", "Database of the search; default: NAME-TARGET.db.", metavar="FILE.db|URL"),
        config_option("cluster", "Dask scheduler that runs the trials; default: this machine.", metavar="ADDRESS"),
        config_option("jobs", "Processes that run trials here; 0: one per CPU.", metavar="N"),
    )


def package_argument(command: Decorated) -> Decorated:
    """The folder that `edgeq compile` wrote."""
    return click.argument("package", metavar="DIR", type=PATH)(command)


def _with(command: Decorated, *options: Callable[[Decorated], Decorated]) -> Decorated:
    """The command with options, the first of them listed first."""
    for option in reversed(options):
        command = option(command)
    return command


def read_config(options: Mapping[str, Any]) -> Config:
    """The configuration of a command's options, among them `config`.

    Raises:
        UsageError: The configuration file is wrong.
    """
    given = {key: value for key, value in options.items() if key != "config"}
    several = {"shapes": dict(given["shapes"]) or None, "passes": given["passes"] or None}
    return load_config(options.get("config"), {**given, **several})
