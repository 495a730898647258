"""What a process of the local pool sets up before its first task."""

from __future__ import annotations

import os
import time
from threading import Thread

LOOK_SECONDS = 0.5
"""Between two looks."""


def begin(parent: int) -> None:
    """Lets this process keep what it remembers, and end soon after its parent did.

    joblib's pool replaces a process that has grown by 300 MB, as if it leaked. What ours remember is bounded, and a new
    one would have to find it out again: in a search of 200 trials on ResNet-8, ten processes took each other's place.

    Args:
        parent: Number of the process that started this one.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = 1 << 40
    Thread(target=_end_with, args=(parent,), daemon=True, name="edgeq-child").start()


def _end_with(parent: int) -> None:
    """Ends this process when its parent is gone, even one that was killed and could tell nobody.

    What the kernel offers for this is Linux's alone and is bound to the parent's thread that started the process, not
    to the parent (prctl(2), PR_SET_PDEATHSIG).
    """
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)  # whatever this process was at, nobody waits for it
