"""What block reconstruction learns: integers, scales and biases of layers, and the scales of activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.block import Arrays
from edgeq.reconstruct.layer import Solution


@dataclass(frozen=True, eq=False)
class Knob:
    """A layer of a block, and how it starts.

    Attributes:
        weight, bias: Names of its parameters in the block.
        start: What it is now.
        limits: Of its integers.
        floor: Least scales, (groups, outputs).
        shared: Whether all outputs have one scale.
        has_bias: Whether it can have a bias.
        unit: The size of its outputs, in which its bias is learned.
        source: Name of the scale of its input, if that is learned, too.
        input_scale: That scale at the start.
    """

    weight: str
    bias: str
    start: Solution
    limits: tuple[int, int]
    floor: np.ndarray
    shared: bool
    has_bias: bool
    unit: float
    source: str
    input_scale: float


class Variables:
    """The numbers that are learned, as they change.

    Integers are rounded from real numbers, which the gradient reaches straight through the rounding; scales are learned
    by their logarithms, so that one rate fits all of them. The gradient passes the rounding of biases, too.

    Sources: Bengio, Leonard and Courville, arXiv:1308.3432, 2013, section 4 (straight-through); Esser et al., "Learned
    Step Size Quantization", ICLR 2020, section 2; Jain et al., "Trained Quantization Thresholds", MLSys 2020, section
    3.2 (logarithms of scales).

    Args:
        layers: Of the block.
        scales: Of activations, by name of the parameter.
    """

    def __init__(self, layers: list[Knob], scales: Arrays) -> None:
        self._layers, self._scales = layers, scales
        self.integers = [layer.start.integers.astype(np.float32) for layer in layers]
        self.stretch = [np.zeros((1, 1) if layer.shared else layer.start.scale.shape, np.float32) for layer in layers]
        self.shift = [np.zeros_like(layer.start.bias) for layer in layers]
        self.reach = [np.zeros((), np.float32) for _ in scales]

    @property
    def arrays(self) -> list[np.ndarray]:
        """All of them; to be changed in place."""
        return [*self.integers, *self.stretch, *self.shift, *self.reach]

    def rates(self, integers: float, others: float) -> list[float]:
        """The size of a step for each of `arrays`."""
        biases = [others * layer.has_bias for layer in self._layers]
        return [integers] * len(self.integers) + [others] * len(self.stretch) + biases + [others] * len(self.reach)

    def solutions(self) -> list[Solution]:
        """The layers as they are now, biases in steps of the accumulator."""
        found, sources = [], self.scales()
        for layer, steps, stretch, shift in zip(self._layers, self.integers, self.stretch, self.shift, strict=True):
            scale = np.maximum(layer.start.scale * np.exp(stretch), layer.floor).astype(np.float32)
            step = scale * sources.get(layer.source, layer.input_scale)
            bias = (np.rint((layer.start.bias + layer.unit * shift) / step) * step).astype(np.float32)
            found.append(Solution(np.rint(steps).clip(*layer.limits), scale, bias))
        return found

    def scales(self) -> dict[str, np.ndarray]:
        """The scales of activations as they are now."""
        pairs = zip(self._scales.items(), self.reach, strict=True)
        return {name: np.asarray(start * np.exp(stretch), np.float32) for (name, start), stretch in pairs}

    def parameters(self) -> dict[str, np.ndarray]:
        """The block's parameters by name."""
        found = self.scales()
        for layer, solution in zip(self._layers, self.solutions(), strict=True):
            found |= {layer.weight: solution.weight, layer.bias: solution.bias}
        return found

    def gradients(self, by: Arrays) -> list[np.ndarray]:
        """Of the loss by each of `arrays`, from those by the parameters."""
        integers, stretch, shift = [], [], []
        for layer, solution in zip(self._layers, self.solutions(), strict=True):
            by_weight = by[layer.weight]
            integers.append(by_weight * solution.scale[..., None])
            by_scale = (by_weight * solution.weight).sum(axis=-1)
            stretch.append(by_scale.sum(keepdims=True) if layer.shared else by_scale)
            shift.append(by[layer.bias] * np.float32(layer.unit))
        return [*integers, *stretch, *shift, *(by[name] * scale for name, scale in self.scales().items())]

    def confine(self) -> None:
        """Keeps integers within reach of their limits, from where they can come back."""
        for layer, steps in zip(self._layers, self.integers, strict=True):
            steps.clip(layer.limits[0] - 0.5, layer.limits[1] + 0.5, out=steps)
