"""Mean and variance of the channels of activations, derived from batch normalization without any data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import static_shape
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm
from edgeq.passes.fuse_activation import limits

_LEAVES_CHANNELS = frozenset({"Reshape", "Flatten", "Squeeze", "Identity", "QuantizeLinear", "DequantizeLinear"})
_AVERAGES = frozenset({"AveragePool", "GlobalAveragePool"})


@dataclass(frozen=True, eq=False)
class ChannelMoments:
    """Of a tensor's channels (axis 1) over the training data, each float64, (channels,).

    Attributes:
        mean: What a channel is on average.
        variance: Around it; None where it is not known.
    """

    mean: np.ndarray
    variance: np.ndarray | None

    def clipped(self, lo: float, hi: float) -> ChannelMoments | None:
        """Of a normal variable limited to lo..hi, either of which may be infinite; None without a variance.

        Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
        section 4.2.1, equation 19, and appendix C, equations 38 and 44.
        """
        from scipy.special import ndtr

        if self.variance is None:
            return None
        deviation = np.sqrt(np.maximum(self.variance, np.finfo(np.float64).tiny))
        a, b = ((end - self.mean) / deviation for end in (lo, hi))
        below, above, within = ndtr(a), ndtr(-b), ndtr(b) - ndtr(a)
        density_a, density_b = _density(a), _density(b)
        ends = _product(lo, below) + _product(hi, above)
        mean = deviation * (density_a - density_b) + self.mean * within + ends
        squares = (
            (self.variance + self.mean**2) * within
            + deviation * (_product(lo, density_a) - _product(hi, density_b) + self.mean * (density_a - density_b))
            + _product(lo, _product(lo, below))
            + _product(hi, _product(hi, above))
        )
        return ChannelMoments(mean, np.maximum(squares - mean**2, 0.0))


def channel_moments(graph: ir.Graph) -> dict[ir.Value, ChannelMoments]:
    """Of every value that folded batch normalizations determine.

    A normalized channel is normal with mean beta and deviation |gamma|; sums are of independent variables, and a sum is
    close to normal; what is clipped before a sum is not, but its moments are right.
    """
    found: dict[ir.Value, ChannelMoments] = {}
    for node in graph:
        result = node.outputs[0]
        statistics = result.meta.get(META_KEY)
        if isinstance(statistics, BatchNorm):
            found[result] = ChannelMoments(
                statistics.beta.astype(np.float64), np.square(statistics.gamma, dtype=np.float64)
            )
        elif (moments := _derived(node, [found.get(value) for value in node.inputs if value is not None])) is not None:
            found[result] = moments
    return found


def _derived(node: ir.Node, inputs: list[ChannelMoments | None]) -> ChannelMoments | None:
    first = inputs[0] if inputs else None
    if first is None:
        return None
    bounds = limits(node) if node.op_type in ("Relu", "Clip") else None
    if bounds is not None:
        return first.clipped(*bounds)
    if node.op_type == "Add" and (second := inputs[1]) is not None and len(second.mean) == len(first.mean):
        known = first.variance is not None and second.variance is not None
        return ChannelMoments(first.mean + second.mean, first.variance + second.variance if known else None)  # type: ignore[operator]
    if node.op_type in _AVERAGES and not any(node.attributes.get_ints("pads", ()) or ()):
        return ChannelMoments(first.mean, None)
    if node.op_type in _LEAVES_CHANNELS and (static_shape(node.outputs[0]) or ())[1:2] == (len(first.mean),):
        return first
    return None


def _density(x: np.ndarray) -> np.ndarray:
    """Of the standard normal distribution."""
    return np.exp(-np.square(x) / 2) / np.sqrt(2 * np.pi)


def _product(end: float, x: np.ndarray) -> np.ndarray:
    """end * x, and zero where an infinite end has no weight."""
    return end * x if np.isfinite(end) else np.zeros_like(x)
