"""The text form of an integer program: one line per op, for people and for golden tests.

Arrays are shown by type, shape and the first eight digits of their SHA-256, so equal texts mean equal programs.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields

import numpy as np

from edgeq.program.ops import Op, Requantize, View
from edgeq.program.program import Buffer, Port, Program

UNSAID = ("name", "y", "x", "x1", "x2", "x_shape", "y_shape")
"""Fields that a line says otherwise."""


def print_program(program: Program) -> str:
    """The whole program as text, ending in a newline."""
    lines = [f"program {program.name}: {len(program.ops)} ops, {program.macs} MACs, io {program.io}"]
    lines += [f"  input  {_port(program, port)}" for port in program.inputs]
    lines += [f"  output {_port(program, port)}" for port in program.outputs]
    lines += [f"  const  {_buffer(b)} = {_array(b.data)}" for b in program.buffers if b.data is not None]
    lines += [f"  {_op(program, op)}" for op in program.ops]
    return "\n".join(lines) + "\n"


def _port(program: Program, port: Port) -> str:
    kind = " unsigned" if port.unsigned else ""
    where = _buffer(program.buffer[port.buffer])
    return f"{where}{kind} scale {port.scale!r} zero {port.zero_point}  # {port.name!r}"


def _buffer(buffer: Buffer) -> str:
    part = "" if buffer.base is None else f"@{buffer.base}+{buffer.offset}"
    return f"{buffer.name}{part}:int{buffer.bits}[{'x'.join(map(str, buffer.shape))}]"


def _op(program: Program, op: Op) -> str:
    settings = " ".join(
        f"{field.name}={_value(getattr(op, field.name))}"
        for field in fields(op)
        if field.name not in UNSAID and (field.name != "block" or getattr(op, field.name) != 0)
    )
    return f"{_buffer(program.buffer[op.y])} = {op.kind} {' '.join(op.reads)} {settings}  # {op.name!r}"


def _value(value: object) -> str:
    match value:
        case np.ndarray():
            return _array(value)
        case Requantize():
            shift = f" left {value.left}" * bool(value.left) + f" right {value.right}" * bool(value.right)
            negative = "" if value.negative is None else f" negative {_array(value.negative)}"
            return f"({_array(value.multiplier)}{negative}{shift} zero {value.zero_point} {value.lo}..{value.hi})"
        case View():
            return f"{'x'.join(map(str, value.sizes))}@{value.offset}:{','.join(map(str, value.strides))}"
        case tuple():
            return ",".join(map(str, value))
    return str(value)


def _array(array: np.ndarray | None) -> str:
    assert array is not None
    if array.size == 1:
        return str(array.reshape(-1)[0])
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:8]
    return f"{array.dtype}[{'x'.join(map(str, array.shape))}]#{digest}"
