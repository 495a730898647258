"""Where a runner first differs from the interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from edgeq.program.interpreter import interpret
from edgeq.program.ops import Op
from edgeq.run.artifact import Artifact


def first_difference(
    artifact: Artifact, runner: Literal["host", "qemu"], sample: Mapping[str, np.ndarray], number: int
) -> dict[str, Any]:
    """The first kernel whose result differs, on one sample.

    Args:
        sample: By port name, (1, *port.shape).
        number: Of the sample, for the report.

    Returns:
        `runner`, `sample`, `kernel` (index in the call sequence; None where only the outputs differ) and `name`.
    """
    expected: dict[int, np.ndarray] = {}
    interpret(artifact.program, sample, trace=lambda i, op, array: _keep(expected, i, array))
    got: dict[int, np.ndarray] = {}
    if runner == "host":
        artifact.host.run(sample, trace=lambda i, op, array: _keep(got, i, array))
    else:
        from edgeq.run.batch import trace_on_qemu

        got = dict(enumerate(trace_on_qemu(artifact.package, sample)[0]))
    for i, op in enumerate(artifact.program.ops):
        if _whole(artifact, i, op) and expected[i].tobytes() != got[i].tobytes():
            return {"runner": runner, "sample": number, "kernel": i, "name": op.name}
    return {"runner": runner, "sample": number, "kernel": None, "name": None}


def _keep(into: dict[int, np.ndarray], i: int, array: np.ndarray) -> None:
    into[i] = array.copy()


def _whole(artifact: Artifact, i: int, op: Op) -> bool:
    """True where the op completes its buffer: before that, a buffer written piece by piece holds old bytes."""
    return artifact.program.last_writer[op.y] == i
