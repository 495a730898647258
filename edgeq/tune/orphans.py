"""Ends worker processes whose search is gone, however it ended."""

from __future__ import annotations

import os
import time
from threading import Thread

LOOK_SECONDS = 0.5
"""Between two looks."""


def end_with(parent: int) -> None:
    """Lets this process end soon after its parent did, even one that was killed and could tell nobody.

    A thread looks, because what the kernel offers for this is Linux's alone and is bound to the parent's thread that
    started the process, not to the parent (prctl(2), PR_SET_PDEATHSIG).

    Args:
        parent: Number of the process that started this one.
    """
    Thread(target=_watch, args=(parent,), daemon=True, name="edgeq-orphans").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)  # whatever this process was at, nobody waits for it
