"""What a rounding method is, and how one is chosen for a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edgeq.reconstruct.layer import Layer, Solution


class Method(Protocol):
    """A way to quantize the weights of one layer."""

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        """Quantizes a layer.

        Args:
            everything: Whether to fit all rows; else the held-out ones are left out.
        """


def choose(layer: Layer, methods: Sequence[Method]) -> Method:
    """The method with the least loss on the held-out rows when fitted without them.

    Calibration sets are small, and what fits them best need not fit other data: methods with more freedom must earn it.
    """
    if len(methods) == 1:
        return methods[0]
    losses = [layer.loss(method.solve(layer, everything=False), layer.held) for method in methods]
    return methods[losses.index(min(losses))]
