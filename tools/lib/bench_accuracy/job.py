"""One run as a worker process sees it: what to do, and how it reports."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench_accuracy.zoo import load_inputs

BATCH = 32

Predict = Callable[[np.ndarray], np.ndarray]
"""Inputs (samples, *shape) to real outputs (samples, ...)."""


@dataclass(frozen=True)
class Job:
    """A run's task. A worker gets it as JSON in its only argument.

    Attributes:
        model, calib, eval: Files of the zoo.
        method: One of the tool's.
        out: The .npz file that receives the outputs and costs.
        scratch: Folder for whatever the tool writes.
    """

    model: str
    calib: str
    eval: str
    weight_bits: int
    activation_bits: int
    per_channel: bool
    method: str
    out: str
    scratch: str

    def to_json(self) -> str:
        """For the worker's command line."""
        return json.dumps(asdict(self))

    def batches(self) -> list[np.ndarray]:
        """Calibration inputs, (up to BATCH, *shape) each."""
        samples = load_inputs(Path(self.calib))[1]
        return [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]


def work(quantize: Callable[[Job], Predict]) -> None:
    """Runs the job on the command line and writes its outputs on the evaluation data, and what quantization cost.

    Time and memory are those of `quantize` alone: from the float model's file to a model that answers; a worker
    imports its tool before. Memory is the high-water mark of the process (imports count) or of its largest child.
    """
    job = Job(**json.loads(sys.argv[1]))
    wall, cpu = time.perf_counter(), _cpu_seconds()
    predict = quantize(job)
    seconds, cpu_seconds = time.perf_counter() - wall, _cpu_seconds() - cpu
    peak = peak_mib()
    samples = load_inputs(Path(job.eval))[1]
    output = np.concatenate([predict(samples[start : start + BATCH]) for start in range(0, len(samples), BATCH)])
    output = output.astype(np.float32).reshape(len(samples), -1)
    np.savez(job.out, output=output, seconds=seconds, cpu_seconds=cpu_seconds, peak_mib=peak)


def peak_mib() -> float:
    """Largest resident set of this process or of one of its children so far, MiB.

    VmHWM rather than ru_maxrss for the process itself: the latter keeps what the parent had before exec.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
