"""What there is to choose for a model on a target, and what a choice means for its quantization."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeq.config import Config
from edgeq.search.space import Allocation, Knob, Space, Value

if TYPE_CHECKING:
    import onnx_ir as ir

METHODS = ("mse", "minmax", "percentile", "entropy")
SCHEMES = ("asymmetric", "symmetric", "symmetric_unsigned", "power_of_two")
ROUNDINGS = ("round_alone", "clip_weights", "nearest")
"""Passes, but for `nearest`. Of the first, each layer's solution serves all trials that give it the same width."""
CORRECTIONS = (True, False)
NUMBERS = ("calibration_samples", "calibration_method", "rounding", "correct_bias")
"""Knobs that only change numbers: what a model takes of a target hardly depends on them."""
FEW_SAMPLES = (32, 8)
"""Smaller calibration sets to choose, where there are more samples."""


def global_knobs(samples: int) -> tuple[Knob, ...]:
    """What concerns the whole model: Quantune's space, with rounding and bias correction.

    Source: Lee et al., "Quantune: Post-training quantization of convolutional neural networks using extreme gradient
    boosting for fast deployment", Future Generation Computer Systems, 2022, section 4.

    Args:
        samples: Number of calibration samples.
    """
    return (
        Knob("calibration_samples", (samples, *(few for few in FEW_SAMPLES if few < samples))),
        Knob("calibration_method", METHODS),
        Knob("scheme", SCHEMES),
        Knob("granularity", ("channel", "tensor")),
        Knob("rounding", ROUNDINGS),
        Knob("correct_bias", CORRECTIONS),
    )


def as_costed(allocation: Allocation, samples: int) -> Allocation:
    """The allocation that stands for all others that differ in numbers only: `NUMBERS` at their defaults.

    Args:
        samples: Number of calibration samples.
    """
    return allocation.replace({knob.name: knob.values[0] for knob in global_knobs(samples) if knob.name in NUMBERS})


def layer_knobs(model: ir.Model, works: Callable[[str, Sequence[str], int], bool]) -> tuple[Knob, ...]:
    """Widths of the weights and activations of single layers, 8 bits first; only what the target has kernels for.

    Args:
        model: Canonical, float.
        works: Whether the target has kernels where an option of some layers has these bits.
    """
    from edgeq.passes.assign_widths import activation_layers, weight_layers

    found = []
    for option, nodes, widths in (
        ("weight_bits", weight_layers(model.graph), (4, 2)),
        ("activation_bits", activation_layers(model.graph), (16, 4)),
    ):
        together = {bits: works(option, list(nodes), bits) for bits in widths}
        for name in nodes:
            narrow = [bits for bits in widths if together[bits] or works(option, [name], bits)]
            found.append(Knob(option, (8, *narrow), name))
    return tuple(knob for knob in found if len(knob.values) > 1)


def uniform(space: Space) -> Iterator[Allocation]:
    """The default, and the allocations with all weights at one narrower width."""
    base = space.default()
    yield base
    for bits in (4, 2):
        knobs = [knob for knob in space.knobs if knob.option == "weight_bits" and bits in knob.values]
        yield base.replace({knob.name: bits for knob in knobs})


def configured(config: Config, allocation: Allocation) -> Config:
    """The configuration that quantizes as an allocation says; what it does not choose stays."""
    return replace(
        config,
        granularity="tensor" if allocation.get("granularity", config.granularity) == "tensor" else "channel",
        layers=layer_widths(allocation) or config.layers,
        passes={**config.passes, **_settings(allocation)},
    )


def layer_widths(allocation: Allocation) -> dict[str, dict[str, int]]:
    """`Config.layers` of an allocation: every layer that it chooses a width for."""
    widths: dict[str, dict[str, int]] = {}
    for option in ("weight_bits", "activation_bits"):
        for layer, bits in allocation.layers(option).items():
            widths.setdefault(layer, {})[option] = int(bits)
    return widths


def _settings(allocation: Allocation) -> Mapping[str, bool | Mapping[str, Value]]:
    """Switches and options of passes, by pass name, for the knobs that an allocation has."""
    chosen = dict(allocation.choices)
    calibrate = {
        option: chosen[knob]
        for knob, option in (("calibration_samples", "most"), ("calibration_method", "method"), ("scheme", "scheme"))
        if knob in chosen
    }
    settings: dict[str, bool | Mapping[str, Value]] = {"calibrate": calibrate} if calibrate else {}
    if "scheme" in chosen:
        settings["insert_qdq"] = {"scheme": chosen["scheme"]}
    if chosen.get("rounding", "nearest") != "nearest":
        settings[str(chosen["rounding"])] = True
    if "correct_bias" in chosen:
        settings["correct_bias"] = bool(chosen["correct_bias"])
    return settings
