"""What models and measurements hold, made safe for a terminal and for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def printable(text: str) -> str:
    """Text of a model or file without characters that could drive a terminal; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def plain(value: Any) -> Any:
    """A value as JSON has it: NumPy numbers as numbers, what is not finite as None, all else unknown as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
