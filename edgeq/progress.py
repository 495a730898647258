"""How long work says where it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the label of a stage, the steps done and their total; a total of 0 means that it is unknown."""


def silent(stage: str, done: int, total: int) -> None:
    """A `Progress` that nobody listens to."""
