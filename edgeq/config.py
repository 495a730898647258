"""What a compilation is asked to do: from edgeq.toml, the command line and the Python API."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeq import config_values as values
from edgeq.config_values import Kind
from edgeq.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

SYNTHETIC, GENIE = DISTILLED = Path("synthetic"), Path("genie")
"""In place of calibration data: samples distilled from the model's own statistics."""


@dataclass(frozen=True)
class Config:
    """Options of `edgeq compile` and `edgeq quantize`; their names are also the keys of edgeq.toml.

    Attributes:
        target: Name or alias of a target.
        name: Prefix of the package's files and symbols; None for the model's file name.
        calib: Calibration data: a file, a folder, or arrays (samples, *input shape) by input name; the path
            `synthetic` or `genie` for samples distilled from the model's batch normalization, None for random data.
        eval: Evaluation data, the same, with `labels` where the metric needs them.
        out: Folder of the package.
        preset: How much work quantization may be: `fast` calibrates and corrects biases, `best` tries most.
        weight_bits, activation_bits: Of all layers; network inputs and outputs have 8.
        layers: Widths of single layers by node name: `weight_bits`, `activation_bits`, or both.
        granularity: One weight scale per output `channel`, or per `tensor`.
        passes: Quantization passes to switch on or off, or their options, by name.
        emit: `lib` for object code, `c` for C source (plain C: without the instructions of a kernel family).
        float_abi: Calling convention of the objects; None for the target's default.
        dump_passes: Folder that receives the model after each pass.
        max_flash, max_ram: Budgets, bytes; `max_weights` is that of packed weights alone.
        max_cycles: Budget of estimated cycles of one inference; of searches only.
        max_loss: What the metric may lose to the float model, as a share of 1; of searches only.
        bits: `uniform` widths, or `auto`: searched for within the budgets.
        strategy, trials: How widths are searched for, and how often.
        inter_layer: Let strategy `ilp` count what neighbouring layers lose together.
        study: Database of the search: a file, or a URL that SQLAlchemy knows.
        pick: Number of the trial of `study` to compile.
        cluster: Address of a Dask scheduler that runs trials.
        jobs: Processes that run trials on this machine; 0 for one per CPU.
        patch: Run the first layers in patches, which need less RAM and more work: `auto` where `max_ram` asks for it,
            `on` with the smallest arena, or `off`.
        max_dsp, max_bram: Budgets of FPGA targets: DSP slices, block RAMs of 18 Kbit; None for all that there are.
        target_fps: Inferences per second that an FPGA must reach; None for as many as fit.
        min_accuracy: Least value of the metric: a fraction, or dB for `sqnr`.
        metric: What accuracy means; None lets the evaluation data decide.
        io_layout: Layout of inputs and outputs at the firmware's interface.
        input_type: Type of inputs and outputs at the firmware's interface.
        io: Where they lie: in the `arena`, which takes least RAM, or in memory of the `caller`.
        shapes: Shape of each input that has dynamic dimensions besides its batch.
        input_range: Range of random calibration data; used only without `calib`.
        seed: Of everything random.
    """

    target: str = "cortex-m4"
    name: str | None = None
    calib: Path | Mapping[str, np.ndarray] | None = None
    eval: Path | Mapping[str, np.ndarray] | None = None
    out: Path | None = None
    preset: Literal["fast", "balanced", "best"] = "balanced"
    weight_bits: Literal[8, 4, 2] = 8
    activation_bits: Literal[8, 16, 4] = 8
    layers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    granularity: Literal["channel", "tensor"] = "channel"
    passes: Mapping[str, bool | Mapping[str, Any]] = field(default_factory=dict)
    emit: Literal["lib", "c"] = "lib"
    float_abi: Literal["hard", "soft"] | None = None
    dump_passes: Path | None = None
    max_flash: int | None = None
    max_weights: int | None = None
    max_ram: int | None = None
    max_cycles: float | None = None
    max_loss: float | None = None
    bits: Literal["uniform", "auto"] = "uniform"
    strategy: str = "xgboost"
    inter_layer: Literal["on", "off"] = "off"
    trials: int = 100
    study: str | None = None
    pick: int | None = None
    cluster: str | None = None
    jobs: int = 0
    patch: Literal["auto", "on", "off"] = "auto"
    max_dsp: int | None = None
    max_bram: int | None = None
    target_fps: float | None = None
    min_accuracy: float | None = None
    metric: Literal["top1", "agreement", "sqnr", "auc"] | None = None
    io_layout: Literal["model", "nchw", "nhwc"] = "model"
    input_type: Literal["int8", "uint8", "int16"] = "int8"
    io: Literal["arena", "caller"] = "arena"
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    input_range: tuple[float, float] = (0.0, 1.0)
    seed: int = 0


KINDS: dict[str, Kind] = {
    "target": values.TEXT,
    "name": values.TEXT,
    "calib": values.DATA,
    "eval": values.DATA,
    "out": values.PATH,
    "preset": values.choice("fast", "balanced", "best"),
    "weight_bits": values.WEIGHT_BITS,
    "activation_bits": values.ACTIVATION_BITS,
    "layers": values.LAYERS,
    "granularity": values.choice("channel", "tensor"),
    "passes": values.PASSES,
    "emit": values.choice("lib", "c"),
    "float_abi": values.choice("hard", "soft"),
    "dump_passes": values.PATH,
    "max_flash": values.SIZE,
    "max_weights": values.SIZE,
    "max_ram": values.SIZE,
    "max_cycles": values.NUMBER,
    "max_loss": values.SHARE,
    "bits": values.choice("uniform", "auto"),
    "strategy": values.TEXT,
    "inter_layer": values.choice("on", "off"),
    "trials": values.WHOLE,
    "study": values.TEXT,
    "pick": values.WHOLE,
    "cluster": values.TEXT,
    "jobs": values.WHOLE,
    "patch": values.choice("auto", "on", "off"),
    "max_dsp": values.WHOLE,
    "max_bram": values.WHOLE,
    "target_fps": values.POSITIVE,
    "min_accuracy": values.NUMBER,
    "metric": values.choice("top1", "agreement", "sqnr", "auc"),
    "io_layout": values.choice("model", "nchw", "nhwc"),
    "input_type": values.choice("int8", "uint8", "int16"),
    "io": values.choice("arena", "caller"),
    "shapes": values.SHAPES,
    "input_range": values.INTERVAL,
    "seed": values.WHOLE,
}
"""The kind of each field of `Config`."""


def load_config(file: Path | None, overrides: Mapping[str, object]) -> Config:
    """The options of a file, with those given directly in their place.

    Args:
        file: An edgeq.toml; its relative paths start from its own folder. None for no file.
        overrides: Fields of `Config`; None stands for an option that was not given.

    Raises:
        UsageError: The file cannot be read, or an option is unknown or of the wrong type.
    """
    given = {} if file is None else _read_file(file)
    given |= {key: _convert(key, value, None) for key, value in overrides.items() if value is not None}
    return Config(**given)


def _read_file(file: Path) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, raw in _read_toml(file).items():
        name = key.replace("-", "_")
        if name in options:
            raise UsageError(f"option {key!r} is given twice, with a dash and with an underscore", file=file)
        options[name] = _convert(key, raw, file)
    return options


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the configuration: {error.strerror}", file=file) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the configuration is not valid TOML: {error}", file=file) from error


def _convert(key: str, raw: object, file: Path | None) -> Any:
    """The value of option `key`; a relative path in a file starts from the file's folder."""
    kind = KINDS.get(key.replace("-", "_"))
    if kind is None:
        near = difflib.get_close_matches(key.replace("-", "_"), KINDS, n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown option {key!r}", file=file, fix=f"perhaps {_like(near, key)!r} is meant")
    try:
        value = kind.read(raw)
    except (ValueError, TypeError) as error:
        raise UsageError(f"option {key!r} must be {kind.expected}, not {raw!r:.80}", file=file) from error
    if file is None or not isinstance(value, Path) or (key == "calib" and value in DISTILLED):
        return value
    return file.parent / value


def _like(name: str, key: str) -> str:
    """`name` with dashes, where `key` is written so."""
    return name.replace("_", "-") if "-" in key else name
