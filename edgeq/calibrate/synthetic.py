"""Samples that come from no file: arrays in memory, and random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.calibrate.fit import fit_samples
from edgeq.calibrate.samples import Samples, Spec
from edgeq.quant.qparams import Range


@dataclass(frozen=True, eq=False)
class ArrayInMemory:
    """An `ArraySource` that needs no file."""

    array: np.ndarray
    path: None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """Element type of the array."""
        return self.array.dtype

    def rows(self, size: int) -> Iterator[np.ndarray]:
        """The array in pieces of at most `size` along its first axis."""
        return (self.array[i : i + size] for i in range(0, len(self.array), size))


def random_samples(inputs: Mapping[str, Spec], ranges: Mapping[str, Range], seed: int, count: int) -> Samples:
    """Uniformly distributed samples: the same for the same seed.

    Args:
        inputs: Shape and element type of each model input.
        ranges: Range of each input's values; of integers, its end is the first one that does not occur.
        seed: Of the generator.
        count: Number of samples.
    """
    generator = np.random.default_rng(seed)
    arrays = {
        name: generator.uniform(ranges[name].lo, ranges[name].hi, (count, *shape)).astype(dtype)
        for name, (shape, dtype) in inputs.items()
    }
    return samples_of(arrays, inputs)


def samples_of(arrays: Mapping[str, np.ndarray], inputs: Mapping[str, Spec]) -> Samples:
    """Samples from arrays in memory, with the names and shapes that `load_samples` accepts in files.

    Raises:
        CalibrationError: They do not fit the model.
    """
    return fit_samples(((name, ArrayInMemory(np.asarray(array))) for name, array in arrays.items()), inputs)
