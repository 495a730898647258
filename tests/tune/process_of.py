"""Work that says who does it: imported by name, as processes of a pool import it."""

from __future__ import annotations

import os

import numpy as np

from edgeq.tune.setup import Setup
from edgeq.tune.worker import Task


def process_of(setup: Setup, task: Task) -> int:
    """The process that a task runs in."""
    return os.getpid()


KEPT: list[np.ndarray] = []


def grown_process(setup: Setup, task: Task) -> int:
    """The same, after it has grown by 400 MB more."""
    KEPT.append(np.ones(400_000_000, np.uint8))
    return process_of(setup, task)
