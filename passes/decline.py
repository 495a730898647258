"""How passes say why they leave something as it is."""

from __future__ import annotations

from collections.abc import Callable

Decline = Callable[[str], None]
"""Told a reason."""


def silently(reason: str) -> None:
    """A `Decline` that takes no notice."""
