"""`verify`: do all runners give the same bytes, and if not, which kernel differs first?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.program.interpreter import interpret
from edgeq.program.ops import Op
from edgeq.progress import Progress, silent
from edgeq.run.artifact import Artifact, load_artifact
from edgeq.run.device import described, devices_of
from edgeq.run.run import Compiled, random_inputs, read_inputs, run_integers
from edgeq.targets.target import Target

VERIFY_SAMPLES = 20


def verify_package(
    directory: Path, samples: int | None = None, inputs: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Runs the same samples on the interpreter, the host and the device, or an FPGA's own simulation.

    Args:
        samples: How many; None for all of `inputs`, or 20 random ones where there are none.

    Returns:
        `equal`, `samples`, `runners`, `device` (what the target's own programs ran on, or why they did not), `cycles`
        (from one inference to the next, where a simulation counted them) and `first_difference` (None, or `runner`,
        `sample`, `kernel`, `name`).

    Raises:
        ToolMissingError: The target's compiler, emulator or simulator is not installed.
    """
    from edgeq.targets.load import load_target

    progress = progress or silent
    artifact = load_artifact(directory)
    if inputs is None:
        feeds = random_inputs(artifact, samples or VERIFY_SAMPLES)
    else:
        feeds = {name: array[:samples] for name, array in read_inputs(artifact, inputs)[0].items()}
    expected = run_integers(artifact, "interpreter", feeds, progress)
    target = load_target(artifact.package.manifest.target)
    if target.fpga is not None:
        return _verify_simulation(artifact, target, feeds, expected, progress)
    compiled: list[Compiled] = ["host", *devices_of(target)[:1]]
    results = ((runner, run_integers(artifact, runner, feeds, progress)) for runner in compiled)
    differences = (_difference(artifact, runner, feeds, got, expected) for runner, got in results)
    difference = next((found for found in differences if found), None)
    return _result(compiled, target, feeds, difference)


def _verify_simulation(
    artifact: Artifact,
    target: Target,
    feeds: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    progress: Progress,
) -> dict[str, Any]:
    """Of an FPGA package: its own simulation."""
    from edgeq.run.simulate import simulate, simulation_of

    runner = simulation_of(artifact)
    progress(f"run {runner}", 0, 0)
    simulation = simulate(artifact, feeds, expected)
    return _result([runner], target, feeds, simulation.first_difference, simulation.cycles)


def _result(
    runners: Sequence[str],
    target: Target,
    feeds: Mapping[str, np.ndarray],
    difference: dict[str, Any] | None,
    cycles: int | None = None,
) -> dict[str, Any]:
    count = len(next(iter(feeds.values())))
    return {
        "equal": difference is None,
        "samples": count,
        "runners": ["interpreter", *runners],
        "device": described(target),
        "cycles": cycles,
        "first_difference": difference,
    }


def _difference(
    artifact: Artifact,
    runner: Compiled,
    inputs: Mapping[str, np.ndarray],
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
) -> dict[str, Any] | None:
    """Where a runner's results first differ; None where they are equal."""
    wrong = [np.flatnonzero((got[n] != expected[n]).reshape(len(got[n]), -1).any(axis=1)) for n in expected]
    samples = np.concatenate(wrong)
    if not samples.size:
        return None
    number = int(samples.min())
    return first_difference(artifact, runner, {n: a[number : number + 1] for n, a in inputs.items()}, number)


def first_difference(
    artifact: Artifact, runner: Compiled, sample: Mapping[str, np.ndarray], number: int
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
        buffers = [artifact.lowered.program.buffer[op.y] for op in artifact.program.ops]
        expected = {i: buffers[i].stored(array) for i, array in expected.items()}
    for i, op in enumerate(artifact.program.ops):
        if _whole(artifact, i, op) and expected[i].tobytes() != got[i].tobytes():
            return {"runner": runner, "sample": number, "kernel": i, "name": op.name}
    return {"runner": runner, "sample": number, "kernel": None, "name": None}


def _keep(into: dict[int, np.ndarray], i: int, array: np.ndarray) -> None:
    into[i] = array.copy()


def _whole(artifact: Artifact, i: int, op: Op) -> bool:
    """True where the op completes its buffer: before that, a buffer written piece by piece holds old bytes."""
    return artifact.program.last_writer[op.y] == i
