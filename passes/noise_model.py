"""Predicts the noise of quantization as a function of the scale of every channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import ChannelGroups, is_layer
from edgeq.passes.channel_scaling import input_channels
from edgeq.passes.channel_statistics import ChannelStatistics
from edgeq.passes.editing import constant
from edgeq.passes.noise_gain import noise_gains
from edgeq.passes.quantization_points import activation_bits as widths_of
from edgeq.passes.quantization_points import quantized_values
from edgeq.passes.weighted import weight_bits_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHARPNESS = 16
"""The largest of several numbers is taken as their p-norm with this p: smooth, and at most n^(1/p) too large."""

NEGLIGIBLE = 1e-7
"""Weights this small beside the largest of their row never decide its scale."""


@dataclass(frozen=True, eq=False)
class ActivationNoise:
    """Rounding of one tensor: step^2 / 12, step = max(magnitude * factor) / levels.

    Attributes:
        group: Of each channel.
        magnitude: Largest absolute value of each channel (on one side of zero), as logarithm.
        gain: Noise at the network's output for noise 1 on the channel.
        levels: Steps of the whole range.
    """

    group: np.ndarray
    magnitude: np.ndarray
    gain: np.ndarray
    levels: float

    def add(self, x: np.ndarray, gradient: np.ndarray) -> float:
        """The noise for log-factors `x`, and its derivatives added to `gradient`."""
        own = x[self.group]
        largest, weights = _soft_max(self.magnitude + own)
        noise = np.exp(2 * largest) / self.levels**2 / 12 * self.gain * np.exp(-2 * own)
        total = float(noise.sum())
        np.add.at(gradient, self.group, 2 * total * weights - 2 * noise)
        return total


@dataclass(frozen=True, eq=False)
class WeightNoise:
    """Rounding of a layer's weights, multiplied by its inputs.

    Attributes:
        inputs, outputs: Groups of the layer's input and output channels.
        powers: |largest weight of a kernel / largest of its row| ^ SHARPNESS, (outputs, inputs).
        pattern: 1 where there is a kernel, (outputs, inputs).
        row: Largest weight of each row, as logarithm.
        energy: Mean square of each input channel times the taps of a kernel.
        gain: Noise at the network's output for noise 1 on an output channel.
        levels: Steps from 0 to the largest weight.
        per_channel: Whether each row has a scale of its own.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    powers: csr_matrix
    pattern: csr_matrix
    row: np.ndarray
    energy: np.ndarray
    gain: np.ndarray
    levels: float
    per_channel: bool

    def add(self, x: np.ndarray, gradient: np.ndarray) -> float:
        """The noise for log-factors `x`, and its derivatives added to `gradient`."""
        before, behind = x[self.inputs], x[self.outputs]
        inverse, energy = np.exp(-SHARPNESS * before), self.energy * np.exp(2 * before)
        norms = self.powers @ inverse
        rows = self.row + behind + np.log(norms) / SHARPNESS
        weights = np.ones(len(rows))
        if not self.per_channel:
            largest, weights = _soft_max(rows)
            rows = np.full(len(rows), largest)
        # Noise of an output channel, whose factor the layers behind take back.
        unit = self.gain * np.exp(2 * (rows - behind)) / self.levels**2 / 12
        noise = unit * (self.pattern @ energy)
        shares = noise if self.per_channel else noise.sum() * weights
        by_input = 2 * energy * (self.pattern.T @ unit) - 2 * inverse * (self.powers.T @ (shares / norms))
        np.add.at(gradient, self.inputs, by_input)
        np.add.at(gradient, self.outputs, 2 * (shares - noise))
        return float(noise.sum())


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """Noise power at the network's outputs, from all tensors and layers that are quantized.

    For fixed data it is a sum of products of powers of the factors and of maxima of such: a generalized posynomial.
    So its logarithm is convex in the logarithms of the factors, and has no local minimum but the global one (Boyd et
    al., "A tutorial on geometric programming", Optimization and Engineering, 2007, sections 2 and 5).
    """

    sources: list[ActivationNoise | WeightNoise]

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The logarithm of the noise power and its gradient.

        Args:
            x: Natural logarithms of the factors of all groups.
        """
        gradient = np.zeros(len(x))
        total = sum(source.add(x, gradient) for source in self.sources)
        return float(np.log(total)), gradient / total


def observed_values(graph: ir.Graph, groups: ChannelGroups) -> set[ir.Value]:
    """The values whose statistics `noise_model` needs."""
    values = {value for value in quantized_values(graph) if value in groups.of}
    for node in graph:
        if is_layer(node) and node.inputs[0] is not None:
            values |= {node.inputs[0]}
    return values


def noise_model(
    graph: ir.Graph,
    groups: ChannelGroups,
    statistics: Mapping[ir.Value, ChannelStatistics],
    weight_bits: int,
    activation_bits: int,
    per_channel: bool,
) -> NoiseModel:
    """The model of a canonical float graph that is going to be quantized.

    Args:
        statistics: Of `observed_values`.
        weight_bits, activation_bits, per_channel: As in `InsertQdq`.
    """
    gains = noise_gains(graph, statistics)
    sources: list[ActivationNoise | WeightNoise] = []
    for value, bits in widths_of(graph, activation_bits).items():
        if value in groups.of:
            found = statistics[value]
            for side in (found.hi, -found.lo):
                if (side > 0).any():
                    magnitude = np.log(np.maximum(side, NEGLIGIBLE * side.max()))
                    gain = gains[value] * found.active
                    sources.append(ActivationNoise(groups.of[value], magnitude, gain, 2.0**bits - 1))
    for node in graph:
        if is_layer(node):
            source, result = node.inputs[0], node.outputs[0]
            assert source is not None
            levels = 2.0 ** (weight_bits_of(node, weight_bits) - 1) - 1
            energy = statistics[source].energy
            sources.append(
                _weight_noise(node, groups.of[source], groups.of[result], energy, gains[result], levels, per_channel)
            )
    return NoiseModel(sources)


def _weight_noise(
    layer: ir.Node,
    inputs: np.ndarray,
    outputs: np.ndarray,
    energy: np.ndarray,
    gain: np.ndarray,
    levels: float,
    per_channel: bool,
) -> WeightNoise:
    from scipy.sparse import csr_matrix

    weight = constant(layer.inputs[1])
    assert weight is not None
    columns = input_channels(layer)
    kernels = np.abs(weight.astype(np.float64)).reshape(*columns.shape, -1)
    largest = kernels.max(axis=2)
    row = np.maximum(largest.max(axis=1), np.finfo(np.float32).tiny)
    relative = np.maximum(largest / row[:, None], NEGLIGIBLE) ** SHARPNESS
    ends = np.arange(0, columns.size + 1, columns.shape[1])
    powers, pattern = (
        csr_matrix((values.reshape(-1), columns.reshape(-1), ends), (len(outputs), len(inputs)))
        for values in (relative, np.ones_like(relative))
    )
    taps = kernels.shape[2]
    return WeightNoise(inputs, outputs, powers, pattern, np.log(row), energy * taps, gain, levels, per_channel)


def _soft_max(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
    """Logarithm of the p-norm of numbers given as logarithms, and its derivatives."""
    top = logarithms.max()
    powers = np.exp(SHARPNESS * (logarithms - top))
    total = powers.sum()
    return float(top + np.log(total) / SHARPNESS), powers / total
