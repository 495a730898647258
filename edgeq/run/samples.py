"""Samples as bytes in the order in which a runner firmware reads and writes them: sample by sample, port by port."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgeq.errors import CalibrationError
from edgeq.package.manifest import PortEntry


def pack_samples(ports: Sequence[PortEntry], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of all samples.

    Args:
        arrays: By ONNX name, (samples, *shape) or with the batch axis of 1 left out, of the port's dtype.

    Raises:
        CalibrationError: A name, shape, dtype or number of samples is wrong.
    """
    if arrays.keys() != {port.name for port in ports}:
        raise CalibrationError(
            f"inputs are named {sorted(arrays)}, but the package has {sorted(port.name for port in ports)}"
        )
    rows = [_rows(port, arrays[port.name]) for port in ports]
    if len({len(row) for row in rows}) != 1:
        raise CalibrationError("the inputs have different numbers of samples")
    return np.concatenate(rows, axis=1).tobytes()


def unpack_samples(ports: Sequence[PortEntry], data: bytes) -> dict[str, np.ndarray]:
    """The inverse: arrays of (samples, *shape) by ONNX name."""
    rows = np.frombuffer(data, np.uint8).reshape(-1, sum(port.bytes for port in ports))
    pieces = np.split(rows, np.cumsum([port.bytes for port in ports])[:-1], axis=1)
    return {
        port.name: np.ascontiguousarray(piece).view(_dtype(port)).reshape(-1, *port.shape)
        for port, piece in zip(ports, pieces, strict=True)
    }


def _rows(port: PortEntry, array: np.ndarray) -> np.ndarray:
    """(samples, bytes) uint8."""
    samples = len(array) if array.ndim else 0
    if array.dtype != _dtype(port) or array.size != samples * math.prod(port.shape) or not samples:
        raise CalibrationError(
            f"samples must be {port.dtype} of shape (samples, {', '.join(map(str, port.shape))}), "
            f"not {array.dtype} of shape {array.shape}",
            tensor=port.name,
        )
    return np.ascontiguousarray(array).reshape(samples, -1).view(np.uint8)


def _dtype(port: PortEntry) -> np.dtype:
    """Little-endian, as every target is."""
    return np.dtype(port.dtype).newbyteorder("<")
