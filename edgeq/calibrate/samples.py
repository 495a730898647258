"""Samples of a model's inputs, walked in batches without ever holding all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from edgeq.calibrate.arrays import ArraySource
from edgeq.errors import CalibrationError

Spec = tuple[tuple[int, ...], np.dtype]
"""Shape and element type of a model input."""


@dataclass(frozen=True)
class SampleSource:
    """Samples of one input in one array: the array's first axis counts samples, or it is a single sample.

    Attributes:
        array: Where the numbers come from.
        shape, dtype: Of the model input; each sample is made to have them.
        count: Number of samples.
        tensor: Name of the input, for errors.
    """

    array: ArraySource
    shape: tuple[int, ...]
    dtype: np.dtype
    count: int
    tensor: str

    def samples(self, size: int) -> Iterator[np.ndarray]:
        """Pieces of at most `size` samples, (n, *shape).

        Raises:
            CalibrationError: NaN, infinity, or integers that the input's type cannot hold.
        """
        if self.count == 1:
            pieces: Iterator[np.ndarray] = iter([np.concatenate(list(self.array.rows(size)))])
        else:
            pieces = self.array.rows(size)
        for piece in pieces:
            yield self._converted(piece).reshape(-1, *self.shape)

    def _converted(self, piece: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            result = piece.astype(self.dtype)
            exact = piece.dtype.kind == "f" or (result.astype(piece.dtype) == piece).all()
        if not np.isfinite(result).all():
            self._refuse("holds NaN or infinity", "remove these samples")
        if not exact:
            self._refuse(f"holds integers that {self.dtype} cannot represent", f"store it as {self.dtype}")
        return result

    def _refuse(self, what: str, fix: str) -> None:
        raise CalibrationError(f"the data {what}", file=self.array.path, tensor=self.tensor, fix=fix)


@dataclass(frozen=True)
class Samples:
    """Inputs for a model, and labels where the data has them.

    Attributes:
        sources: Per model input, arrays that follow each other; the same number of samples for each input.
        labels: One per sample, (samples,), or None.
        limit: At most this many samples are used.
    """

    sources: Mapping[str, Sequence[SampleSource]]
    labels: np.ndarray | None = None
    limit: int | None = None

    def __len__(self) -> int:
        count = min(sum(source.count for source in sources) for sources in self.sources.values())
        return count if self.limit is None else min(count, self.limit)

    def first(self, count: int) -> Samples:
        """The first `count` samples, with their labels."""
        count = min(count, len(self))
        return replace(self, limit=count, labels=None if self.labels is None else self.labels[:count])

    def batches(self, size: int) -> Iterator[dict[str, np.ndarray]]:
        """Walks the samples in batches of `size`, the last one possibly smaller.

        Yields:
            Per input, (n, *shape): the model's whole input shape behind the sample axis.

        Raises:
            CalibrationError: A file is damaged, or its data do not fit (see `SampleSource.samples`).
        """
        streams = {name: _rebatched(sources, size) for name, sources in self.sources.items()}
        left = len(self)
        for pieces in islice(zip(*streams.values(), strict=True), -(-left // size)):
            yield {name: piece[:left] for name, piece in zip(streams, pieces, strict=True)}
            left -= size


def _rebatched(sources: Sequence[SampleSource], size: int) -> Iterator[np.ndarray]:
    """Pieces of exactly `size` samples (the last may be smaller) across the borders of the arrays."""
    held: list[np.ndarray] = []
    for source in sources:
        for piece in source.samples(size):
            held.append(piece)
            if sum(map(len, held)) >= size:
                joined = np.concatenate(held)
                yield joined[:size]
                held = [joined[size:]]
    rest = np.concatenate(held) if held else np.empty(0)
    if len(rest):
        yield rest
