"""NumPy arrays as the text of C initializers."""

from __future__ import annotations

import numpy as np

_PER_ROW = {1: 16, 2: 12, 4: 8, 8: 4}
_INT64_MIN = np.iinfo(np.int64).min


def c_type(dtype: str) -> str:
    """Name in <stdint.h> of a NumPy integer type."""
    return f"{dtype}_t"


def rows(data: np.ndarray, indent: str = "    ") -> str:
    """The elements of an integer array in row-major order, in lines of a fixed number of elements."""
    # C has no negative literals: -9223372036854775808 is the negation of a number that no signed type holds.
    words = ["INT64_MIN" if v == _INT64_MIN else str(v) for v in data.ravel().tolist()]
    step = _PER_ROW[data.dtype.itemsize]
    lines = (", ".join(words[i : i + step]) for i in range(0, len(words), step))
    return ",\n".join(indent + line for line in lines)


def nested_rows(samples: np.ndarray) -> str:
    """The initializer of a two-dimensional array: one braced group per sample."""
    return ",\n".join(f"    {{\n{rows(sample, indent=' ' * 8)}\n    }}" for sample in samples)
