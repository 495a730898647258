"""Runs an integer program in NumPy, over many samples at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgeq.program.ops import Op
from edgeq.program.program import Buffer, Port, Program
from edgeq.program.semantics import Memory, execute

Trace = Callable[[int, Op, np.ndarray], None]


def interpret(
    program: Program, inputs: Mapping[str, np.ndarray], *, trace: Trace | None = None, batch: int = 64
) -> dict[str, np.ndarray]:
    """Runs the program on integer inputs.

    Args:
        inputs: By port name; each (samples, *port.shape), int8, uint8 or int16 as the port says.
        trace: Called after each op with its index, the op, and the buffer that it wrote, (samples, *shape).
        batch: Samples per round; memory is proportional to it.

    Returns:
        By port name, (samples, *port.shape).

    Raises:
        VerificationError: An accumulator left int32: the compiler's overflow proof was wrong.
    """
    count = len(next(iter(inputs.values())))
    rounds = [
        _run(program, {name: array[start : start + batch] for name, array in inputs.items()}, trace)
        for start in range(0, count, batch)
    ]
    return {port.name: np.concatenate([r[port.name] for r in rounds]) for port in program.outputs}


def _run(program: Program, inputs: Mapping[str, np.ndarray], trace: Trace | None) -> dict[str, np.ndarray]:
    memory: Memory = {b.name: b.data[None] for b in program.buffers if b.data is not None}
    samples = len(next(iter(inputs.values())))
    for port in program.inputs:
        shape = (samples, *program.buffer[port.buffer].shape)
        memory[port.buffer] = np.ascontiguousarray(inputs[port.name]).view(_dtype(program, port)).reshape(shape)
    last_use = {program.memory(n): i for i, op in enumerate(program.ops) for n in op.reads + op.writes}
    kept = {port.buffer for port in program.outputs}
    for i, op in enumerate(program.ops):
        used = [program.buffer[name] for name in op.reads + op.writes]
        base = program.buffer[program.memory(op.y)]
        if base.name not in memory:
            memory[base.name] = np.zeros((samples, *base.shape), base.dtype)
        memory |= {part.name: _part(memory[part.base], part) for part in used if part.base}
        execute(op, memory)
        if trace:
            trace(i, op, memory[op.y])
        for name in {program.memory(b.name) for b in used if last_use[program.memory(b.name)] == i} - kept:
            del memory[name]
    return {port.name: _port_array(port, memory[port.buffer]) for port in program.outputs}


def _part(base: np.ndarray, part: Buffer) -> np.ndarray:
    """The elements of (samples, *base shape) that are a part of it, (samples, *part.shape); shares memory."""
    flat = base.reshape(len(base), -1)[:, part.offset : part.offset + part.size]
    return flat.reshape(len(base), *part.shape)


def _dtype(program: Program, port: Port) -> str:
    return program.buffer[port.buffer].dtype


def _port_array(port: Port, array: np.ndarray) -> np.ndarray:
    shaped = array.reshape(len(array), *port.shape)
    return shaped.view(np.uint8) if port.unsigned else shaped
