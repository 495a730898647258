"""Numbers that describe an allocation of any model: what lets trials of one model teach about another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgeq.search.effects import Effects
from edgeq.search.proxies import noise
from edgeq.search.space import Knob, Value
from edgeq.search.strategy import Layer, Problem

TINY = 1e-6
"""Added to losses before their logarithm: below it they are noise."""

WIDTHS = {"weight_bits": (4, 2), "activation_bits": (4, 16)}
"""Widths whose shares count; 8 is the rest."""


@dataclass(frozen=True)
class LayerFacts:
    """What is known of a layer, as numbers without units.

    Attributes:
        macs, weights: Shares of the model's.
        peak: Largest weight in standard deviations of the weights; 0 without weights.
        range: Largest output in standard deviations of the outputs.
        depthwise: Whether a channel is made from one.
    """

    macs: float
    weights: float
    peak: float
    range: float
    depthwise: bool


def layer_facts(layers: list[Layer]) -> dict[str, LayerFacts]:
    """By name."""
    sizes = [0 if layer.weight is None else layer.weight.size for layer in layers]
    macs, weights = sum(layer.macs for layer in layers) or 1, sum(sizes) or 1
    return {
        layer.name: LayerFacts(
            layer.macs / macs,
            size / weights,
            0.0 if layer.weight is None else _peak(layer.weight),
            _peak(layer.outputs),
            layer.weight is not None and layer.weight.ndim > 2 and layer.weight.shape[1] == 1,
        )
        for layer, size in zip(layers, sizes, strict=True)
    }


def _peak(values: np.ndarray) -> float:
    return float(np.abs(values).max() / max(float(values.std()), 1e-30))


class Features:
    """Features of the allocations of one problem: `names` and their `matrix`.

    Those of the space's own knobs (`own_names`, `own`) mean nothing for other models.
    """

    def __init__(self, problem: Problem, effects: Effects) -> None:
        self.space, self.effects = problem.space, effects
        layers = list(problem.layers())
        facts = layer_facts(layers)
        self._tables = _tables(problem.space.knobs, facts, {layer.name: layer for layer in layers})
        self.own_names = tuple(f"knob:{name}" for name in problem.space.names)
        self._fixed = {
            "base": np.log(effects.base_loss + TINY),
            "layers": float(len(layers)),
            "log_macs": np.log(sum(layer.macs for layer in layers) or 1),
        }
        self.names = ("narrow_pairs", "largest", *self._tables, *self._fixed)

    def baseline(self, indices: np.ndarray) -> np.ndarray:
        """Logarithm of the loss if effects just add up: (allocations,) from (allocations, knobs)."""
        return np.log(self.effects.total_loss(indices) + TINY)

    def matrix(self, indices: np.ndarray) -> np.ndarray:
        """float32 (allocations, names) from (allocations, knobs)."""
        single = [np.where(np.isfinite(t), t, 0.0)[indices[:, k]] for k, t in enumerate(self.effects.loss)]
        largest = np.log(np.max(single, axis=0) + TINY) - self.baseline(indices)
        summed = [
            sum(table[knob][indices[:, knob]] for knob in range(indices.shape[1])) for table in self._tables.values()
        ]
        fixed = [np.full(len(indices), value) for value in self._fixed.values()]
        return np.column_stack([self._narrow_pairs(indices), largest, *summed, *fixed]).astype(np.float32)

    def own(self, indices: np.ndarray) -> np.ndarray:
        """float32 (allocations, own_names): the chosen values themselves."""
        return indices.astype(np.float32)

    def _narrow_pairs(self, indices: np.ndarray) -> np.ndarray:
        """How often two neighbouring weighted layers both have narrow weights: their errors interact."""
        narrow = [
            np.array([int(value) < 8 for value in knob.values])[indices[:, k]]
            for k, knob in enumerate(self.space.knobs)
            if knob.option == "weight_bits" and knob.layer
        ]
        pairs = [a & b for a, b in pairwise(narrow)]
        return np.sum(pairs, axis=0) if pairs else np.zeros(len(indices))


def _tables(
    knobs: tuple[Knob, ...], facts: dict[str, LayerFacts], layers: dict[str, Layer]
) -> dict[str, list[np.ndarray]]:
    """Features that are sums over knobs: by name, per knob, (values,)."""
    columns = {name: [np.zeros(len(knob.values)) for knob in knobs] for name in _names(knobs)}
    for k, knob in enumerate(knobs):
        for v, value in enumerate(knob.values):
            known = knob.layer in facts
            numbers = _numbers(knob, value, facts[knob.layer], layers[knob.layer]) if known else _choice(knob, value)
            for name, number in numbers.items():
                columns[name][k][v] = number
    ends = [k for k, knob in enumerate(knobs) if knob.option == "weight_bits" and knob.layer]
    for name, k in zip(("first_bits", "last_bits"), (ends[0], ends[-1]) if ends else (), strict=False):
        columns[name][k] = np.array([float(value) for value in knobs[k].values])
    return columns


def _names(knobs: tuple[Knob, ...]) -> list[str]:
    shares = [f"{kind}_{option}{bits}" for option in WIDTHS for bits in WIDTHS[option] for kind in ("macs", "weights")]
    chosen = [name for knob in knobs if not knob.layer for value in knob.values for name in _choice(knob, value)]
    return [*shares, "noise", "peak", "range", "depthwise", "first_bits", "last_bits", *chosen]


def _choice(knob: Knob, value: Value) -> dict[str, float]:
    """A choice for the whole model: a column of its own, or the logarithm of a count."""
    if knob.layer:
        return {}
    if isinstance(value, int) and not isinstance(value, bool):
        return {knob.option: float(np.log(value))}
    return {f"{knob.option}={value}": 1.0}


def _numbers(knob: Knob, value: Value, facts: LayerFacts, layer: Layer) -> dict[str, float]:
    """What a layer of this width adds to the features; one of the usual width adds nothing."""
    if knob.option not in WIDTHS or value not in WIDTHS[knob.option]:
        return {}
    suffix = f"{knob.option}{value}"
    numbers = {
        f"macs_{suffix}": facts.macs,
        f"weights_{suffix}": facts.weights,
        "noise": noise(layer, knob, int(value)),
    }
    if int(value) < 8:
        numbers |= {"peak": facts.peak, "range": facts.range, "depthwise": float(facts.depthwise)}
    return numbers
