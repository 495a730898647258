"""Work that says who does it: imported by name, as processes of a pool import it."""

from __future__ import annotations

import os

from edgeq.tune.setup import Setup
from edgeq.tune.worker import Task


def process_of(setup: Setup, task: Task) -> int:
    """The process that a task runs in."""
    return os.getpid()
