"""Rounding to nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.layer import Layer, Solution
from edgeq.reconstruct.scales import clipped_scale


@dataclass(frozen=True)
class Nearest:
    """Nearest rounding with clipped scales (`clipped_scale`); the bias makes the mean error zero."""

    def solve(self, layer: Layer, *, everything: bool) -> Solution:
        scale = clipped_scale(layer.weight, layer.floor, *layer.limits, shared=layer.shared)
        integers = np.rint(layer.weight / scale[..., None]).clip(*layer.limits)
        return layer.solution(integers, scale, layer.everything if everything else ~layer.held)
