"""Reads calibration and evaluation data from files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from edgeq.calibrate.arrays import StoredArray, stored_arrays
from edgeq.calibrate.fit import LABELS, fit_samples
from edgeq.calibrate.samples import Samples, Spec


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
    return fit_samples(_named_arrays(path, inputs), inputs, path)


def _named_arrays(path: Path, inputs: Mapping[str, Spec]) -> Iterator[tuple[str, StoredArray]]:
    files = sorted(f for f in path.iterdir() if f.suffix in (".npy", ".npz")) if path.is_dir() else [path]
    for file in files:
        for name, array in stored_arrays(file).items():
            found = _input_name(name, inputs) if file.suffix == ".npy" else name
            yield found, array


def _input_name(stem: str, inputs: Mapping[str, Spec]) -> str:
    """The input that a .npy file belongs to: the longest name that its own begins with, or the only one."""
    if stem == LABELS or stem in inputs:
        return stem
    prefixes = [name for name in inputs if stem.startswith(f"{name}_")]
    if prefixes:
        return max(prefixes, key=len)
    return next(iter(inputs)) if len(inputs) == 1 else stem
