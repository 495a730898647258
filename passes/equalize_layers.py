"""Moves scale from channels with a large range to channels with a small one, which share a quantization step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.channel_groups import ChannelGroups, find_groups
from edgeq.passes.channel_scaling import SCALES, scale_channels
from edgeq.passes.channel_statistics import channel_statistics
from edgeq.passes.clip_limits import clips, limit_by_clips
from edgeq.passes.decline import Decline, silently
from edgeq.passes.noise_model import NoiseModel, noise_model, observed_values
from edgeq.passes.weighted import is_weighted

MAX_FACTOR = 2.0**16
"""No channel is scaled by more than this at once, nor by less than its reciprocal."""

TOLERANCE = 1e-4
"""The search ends when a step lowers the logarithm of the noise by less than this share."""

MAX_STEPS = 200

_COMMUTING = SCALES | {"Clip"}


@dataclass(frozen=True)
class EqualizeLayers(ir.passes.InPlacePass):
    """Cross-layer equalization: scale channels, and undo it in the next layers, so that quantization adds less noise.

    Channels that must share a factor (residual streams, concatenations, flattened maps) are found as one group. The
    factors minimize the predicted noise at the network's outputs, of activations and weights, by convex optimization.

    Where a Clip does not commute with scaling, channels are scaled as far as its limits stay out of reach, with
    `clip_margin`. The function is unchanged up to float rounding, as long as no channel in front of a Clip exceeds
    its range on the samples `clip_margin` times. Idempotent up to `least_gain`.

    Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section
    4.1: the rescaling of equations 5 to 7. In place of equations 9 to 11, which equalize the ranges of weights that
    have one scale per tensor, the objective is `NoiseModel`: it knows activations, their effect on the output, and
    weights with one scale per channel.

    Raises:
        CalibrationError: The model computes NaN or infinity on a sample.
        UnsupportedError: The graph holds an operator that cannot be quantized.

    Attributes:
        samples: Inputs of the model: ranges and energies of channels come from them; 32 are enough.
        weight_bits, activation_bits, per_channel: How the model is going to be quantized; see `InsertQdq`.
        clip_margin: At least 1; infinite leaves all channels that a Clip bounds as they are.
        least_gain: Nothing is changed unless the predicted noise power falls by this share.
        sure_gain: See `judge`.
        judge: Measures the loss that a float model suffers when it is quantized, as `OutputNoise` does: where the
            predicted share is below `sure_gain`, the model stays as it is unless the loss falls, too. A measurement on
            few samples is uncertain by 1 or 2 dB, which is why it is not asked about more. None trusts the prediction.
        decline: Told what is not equalized, and why.
    """

    samples: Samples
    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    clip_margin: float = 2.0
    least_gain: float = 0.01
    sure_gain: float = 0.5
    judge: Callable[[ir.Model], float] | None = None
    decline: Decline = silently

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        groups = find_groups(graph, _COMMUTING)
        values = observed_values(graph, groups) | {value for _, value in clips(graph) if value in groups.of}
        statistics = channel_statistics(model, self.samples, values)
        groups, largest = limit_by_clips(graph, groups, statistics, self.clip_margin)
        self._name_obstacles(graph, groups)
        noise = noise_model(graph, groups, statistics, self.weight_bits, self.activation_bits, self.per_channel)
        factors, gain = _minimize(noise, groups, largest)
        if gain < self.least_gain:
            self.decline(f"equalization would lower the predicted noise by only {max(gain, 0):.1%}")
            return ir.passes.PassResult(model, modified=False)
        if self.judge is not None and gain < self.sure_gain and not self._helps(self.judge, model, factors):
            self.decline("equalization was tried, and did not lower the measured loss")
            return ir.passes.PassResult(model, modified=False)
        scale_channels(graph, groups, factors)
        return ir.passes.PassResult(model, modified=True)

    def _helps(self, judge: Callable[[ir.Model], float], model: ir.Model, factors: np.ndarray) -> bool:
        trial = model.clone()
        scale_channels(trial.graph, find_groups(trial.graph, _COMMUTING), factors)
        return judge(trial) < judge(model)

    def _name_obstacles(self, graph: ir.Graph, groups: ChannelGroups) -> None:
        for node in graph:
            if is_weighted(node) and node.outputs[0] in groups.of:
                for reason in groups.obstacles(node.outputs[0]):
                    self.decline(f"{node.outputs[0].name} is not equalized, or not all of it: {reason}")


def _minimize(noise: NoiseModel, groups: ChannelGroups, largest: np.ndarray) -> tuple[np.ndarray, float]:
    """Factors of all groups, and the share by which they lower the predicted noise.

    Args:
        largest: Upper bound of each factor.
    """
    from scipy.optimize import minimize

    upper, lower = np.log(np.clip(largest, 1, MAX_FACTOR)), np.full(groups.count, -math.log(MAX_FACTOR))
    pinned = list(groups.pinned)
    upper[pinned] = lower[pinned] = 0
    start = np.zeros(groups.count)
    found = minimize(
        noise,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=np.stack([lower, upper], axis=1),
        options={"ftol": TOLERANCE, "maxiter": MAX_STEPS},
    )
    return np.exp(found.x), 1 - math.exp(found.fun - noise(start)[0])
