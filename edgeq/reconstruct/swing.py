"""Shifts what strided convolutions read, at random, so that a gradient reaches every element alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from edgeq.reconstruct.block import Operation
from edgeq.reconstruct.vjp import Result


def swing(
    operations: Sequence[Operation], strides: Mapping[str, tuple[int, ...]], rng: np.random.Generator
) -> Iterator[Operation]:
    """The operations, with a cyclic shift by less than the stride before each strided convolution.

    Convolutions that read the same value read the same shift of it.

    Source: Jeon et al., "Genie: Show Me the Data for Quantization", CVPR 2023, section 3.2 (swing convolution); cyclic
    in place of a crop of reflected padding.

    Args:
        strides: Of strided convolutions, by the names of their outputs.
    """
    shifted: dict[str, str] = {}
    for operation in operations:
        found = strides.get(operation.output)
        if found is None:
            yield operation
            continue
        source, *parameters = operation.inputs
        if source not in shifted:
            shifted[source] = f"{source}.swung"
            shift = tuple(int(rng.integers(1 - stride, stride)) for stride in found)
            yield Operation((source,), shifted[source], partial(_roll, shift=shift))
        yield Operation((shifted[source], *parameters), operation.output, operation.apply)


def _roll(x: np.ndarray, shift: tuple[int, ...]) -> Result:
    """Of (1, channels, *spatial, samples), along the spatial axes."""
    axes = tuple(range(2, 2 + len(shift)))
    back = tuple(-step for step in shift)
    return np.roll(x, shift, axes), lambda gradient: (np.roll(gradient, back, axes),)
