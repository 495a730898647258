"""Times a package and onnxruntime by turns, in a process of its own: prints microseconds of both.

Usage: python -m bench_host.timing MODEL.onnx PACKAGE [LIBRARY]

With LIBRARY, `without_avx512.c` compiled, onnxruntime finds no AVX-512 when it is loaded.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROUNDS = 15
SECONDS = 0.03
"""Of a round, about."""

Inference = Callable[[], object]


def main() -> None:
    qdq, package = map(Path, sys.argv[1:3])
    for library in sys.argv[3:]:
        assert ctypes.CDLL(library).hide() == 0, "this kernel or processor cannot fault CPUID"
    from bench_host.runners import onnxruntime_inference, package_inference

    print(*fastest([package_inference(package), onnxruntime_inference(qdq)]))


def fastest(inferences: Sequence[Inference]) -> list[float]:
    """Microseconds of CPU time of each, the least of all rounds, which take turns."""
    counts = [max(1, round(SECONDS / _seconds(run, 3))) for run in inferences]
    rounds = [[_seconds(run, n) for run, n in zip(inferences, counts, strict=True)] for _ in range(ROUNDS)]
    return [1e6 * min(times) for times in zip(*rounds, strict=True)]


def _seconds(run: Inference, count: int) -> float:
    """CPU time of one of `count` runs."""
    start = time.process_time()
    for _ in range(count):
        run()
    return (time.process_time() - start) / count


if __name__ == "__main__":
    main()
