"""Reads calibration and evaluation data from files, and refuses what does not fit the model."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from edgeq.calibrate.arrays import StoredArray, stored_arrays
from edgeq.calibrate.samples import Samples, SampleSource, Spec
from edgeq.errors import CalibrationError

LABELS = "labels"
CHECK_SIZE = 64


def load_samples(path: str | os.PathLike[str], inputs: Mapping[str, Spec]) -> Samples:
    """Samples from a .npz file, or from a folder of .npy and .npz files in the order of their names.

    A .npz holds one array per model input, under its name, and `labels` where it has them. A .npy belongs to the input
    that its name begins with (`NAME.npy`, `NAME_0001.npy`), or to the only input whatever its name; `labels.npy` holds
    labels. An array is one sample, or many along a first axis that may replace a batch axis of 1. Every number is
    looked at once here, in pieces, so that errors come early; nothing is unpickled.

    Args:
        path: File or folder.
        inputs: Shape and element type of each model input.

    Raises:
        CalibrationError: Missing, damaged or empty files; unknown or missing names; shapes, types, NaN or infinity.
    """
    path = Path(path)
    sources: dict[str, list[SampleSource]] = defaultdict(list)
    labels: list[StoredArray] = []
    for name, array in _named_arrays(path, inputs):
        if name == LABELS and LABELS not in inputs:
            labels.append(array)
        else:
            sources[name].append(_fit(array, name, inputs[name]))
    _check_counts(path, inputs, sources, labels)
    samples = Samples(sources, np.concatenate([_read_labels(array) for array in labels]) if labels else None)
    for _ in samples.batches(CHECK_SIZE):
        pass
    return samples


def _named_arrays(path: Path, inputs: Mapping[str, Spec]) -> Iterator[tuple[str, StoredArray]]:
    files = sorted(f for f in path.iterdir() if f.suffix in (".npy", ".npz")) if path.is_dir() else [path]
    for file in files:
        for name, array in stored_arrays(file).items():
            found = _input_name(name, inputs) if file.suffix == ".npy" else name
            if found not in inputs and found != LABELS:
                raise CalibrationError(
                    f"the model has no input {name!r}", file=file, tensor=name, fix=f"name the arrays {_names(inputs)}"
                )
            yield found, array


def _input_name(stem: str, inputs: Mapping[str, Spec]) -> str:
    """The input that a .npy file belongs to: the longest name that its own begins with, or the only one."""
    if stem == LABELS or stem in inputs:
        return stem
    prefixes = [name for name in inputs if stem.startswith(f"{name}_")]
    if prefixes:
        return max(prefixes, key=len)
    return next(iter(inputs)) if len(inputs) == 1 else stem


def _fit(array: StoredArray, name: str, spec: Spec) -> SampleSource:
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
    return SampleSource(array, shape, dtype, count, str(array.path), name)


def _sample_count(array: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """Number of samples in an array of this shape for an input of that shape; None where they do not fit."""
    batch = shape[:1] == (1,)
    if not array:
        return None
    if array[1:] == shape or (batch and array[1:] == shape[1:]):
        return array[0]
    return 1 if array == shape or (batch and array == shape[1:]) else None


def _read_labels(array: StoredArray) -> np.ndarray:
    if len(array.shape) != 1 or array.dtype.kind not in "iu":
        raise CalibrationError(
            f"labels have the shape {array.shape} and type {array.dtype}",
            file=array.path,
            tensor=LABELS,
            fix="store one integer per sample",
        )
    return np.concatenate([np.empty(0, array.dtype), *array.rows(1 << 16)]).astype(np.int64)


def _check_counts(
    path: Path, inputs: Mapping[str, Spec], sources: Mapping[str, list[SampleSource]], labels: list[StoredArray]
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
