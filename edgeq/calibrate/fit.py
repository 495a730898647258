"""Fits named arrays to the inputs of a model, and refuses those that do not fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from edgeq.calibrate.arrays import ArraySource
from edgeq.calibrate.samples import Samples, SampleSource, Spec
from edgeq.errors import CalibrationError

LABELS = "labels"
CHECK_SIZE = 8


def fit_samples(
    arrays: Iterable[tuple[str, ArraySource]], inputs: Mapping[str, Spec], path: Path | None = None
) -> Samples:
    """Samples from arrays by input name; arrays of the same name follow each other, `labels` are labels.

    An array is one sample, or many along a first axis that may replace a batch axis of 1. Every number is looked at
    once here, in pieces, so that errors come early.

    Args:
        inputs: Shape and element type of each model input.
        path: The file or folder that the arrays are from, for errors.

    Raises:
        CalibrationError: Unknown, missing or empty inputs; shapes, types, NaN or infinity.
    """
    sources: dict[str, list[SampleSource]] = defaultdict(list)
    labels: list[ArraySource] = []
    for name, array in arrays:
        if name in inputs:
            sources[name].append(_fit(array, name, inputs[name]))
        elif name == LABELS:
            labels.append(array)
        else:
            raise CalibrationError(
                f"the model has no input {name!r}",
                file=array.path,
                tensor=name,
                fix=f"name the arrays {_names(inputs)}",
            )
    _check_counts(path, inputs, sources, labels)
    samples = Samples(sources, np.concatenate([_read_labels(array) for array in labels]) if labels else None)
    for _ in samples.batches(CHECK_SIZE):
        pass
    return samples


def _fit(array: ArraySource, name: str, spec: Spec) -> SampleSource:
    """The array as samples of an input.

    Raises:
        CalibrationError: Its shape or type does not fit.
    """
    shape, dtype = spec
    count = _sample_count(array.shape, shape)
    if count is None:
        free = shape[1:] if shape[:1] == (1,) else shape
        raise CalibrationError(
            f"the array's shape {array.shape} does not fit the input's {shape}",
            file=array.path,
            tensor=name,
            fix=f"give it the shape ({', '.join(['samples', *map(str, free)])})",
        )
    if array.dtype.kind not in "fiub" or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise CalibrationError(
            f"the array holds {array.dtype}, the input {dtype}",
            file=array.path,
            tensor=name,
            fix=f"store it as {dtype}",
        )
    return SampleSource(array, shape, dtype, count, name)


def _sample_count(array: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """Number of samples in an array of this shape for an input of that shape; None where they do not fit."""
    batch = shape[:1] == (1,)
    if not array:
        return None
    if array[1:] == shape or (batch and array[1:] == shape[1:]):
        return array[0]
    return 1 if array == shape or (batch and array == shape[1:]) else None


def _read_labels(array: ArraySource) -> np.ndarray:
    if len(array.shape) != 1 or array.dtype.kind not in "iu":
        raise CalibrationError(
            f"labels have the shape {array.shape} and type {array.dtype}",
            file=array.path,
            tensor=LABELS,
            fix="store one integer per sample",
        )
    return np.concatenate([np.empty(0, array.dtype), *array.rows(1 << 16)]).astype(np.int64)


def _check_counts(
    path: Path | None, inputs: Mapping[str, Spec], sources: Mapping[str, list[SampleSource]], labels: list[ArraySource]
) -> None:
    """Every input has samples, all equally many, and labels are as many."""
    counts = {name: sum(source.count for source in sources.get(name, ())) for name in inputs}
    for name, count in counts.items():
        if count == 0:
            missing = "has no samples" if name in sources else "is missing"
            raise CalibrationError(
                f"input {name!r} {missing}", file=path, tensor=name, fix=f"store arrays named {_names(inputs)}"
            )
    if labels:
        counts[LABELS] = sum(array.shape[0] if array.shape else 1 for array in labels)
    if len(set(counts.values())) > 1:
        text = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise CalibrationError(
            f"the arrays have different numbers of samples ({text})", file=path, fix="store as many of each"
        )


def _names(inputs: Mapping[str, Spec]) -> str:
    return ", ".join(map(repr, inputs))
