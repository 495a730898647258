"""Runs the worker: ONNX's C++ code on untrusted models, in a child process with limits on time and memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from edgeq.frontend import limits

_WORKER = Path(__file__).with_name("worker.py")


class WorkerError(Exception):
    """The worker failed; the text says how. Callers turn it into an error."""


def run_worker(
    model: onnx.ModelProto,
    *,
    opset: int = limits.OPSET,
    seconds: float = limits.WORKER_SECONDS,
    max_bytes: int = limits.WORKER_BYTES,
) -> onnx.ModelProto:
    """`model` as the worker leaves it: checked, converted, with shapes.

    Args:
        opset: What to convert to.
        seconds: Time limit, wall clock.
        max_bytes: Limit on the child's address space.

    Raises:
        WorkerError: The library refused the model, crashed, or went over a limit.
    """
    # -P: the user's working directory must not be able to shadow the libraries.
    numbers = map(str, (opset, limits.MAX_ELEMENTS, max_bytes))
    command = [sys.executable, "-P", str(_WORKER), *numbers]
    try:
        done = subprocess.run(command, input=model.SerializeToString(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise WorkerError(f"took more than {seconds:g} s") from None
    if done.returncode < 0:
        raise WorkerError(f"crashed with signal {-done.returncode}")
    if done.returncode:
        raise WorkerError(done.stderr.decode(errors="replace").strip()[-2000:] or f"exit code {done.returncode}")
    try:
        return onnx.ModelProto.FromString(done.stdout)
    except DecodeError:
        raise WorkerError("gave no readable answer") from None
