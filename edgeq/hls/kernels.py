"""The arithmetic of a stage: TIR functions, and the tables that they read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgeq.fpga.dataflow import Stage
from edgeq.hls.cpp import print_cpp
from edgeq.lower.generated import Operand, Reads, Scratch, Table, Writes
from edgeq.lower.select import select
from edgeq.program.ops import Add, AveragePool, Conv2D, Dense, Interpolate, Lut, MaxPool, Mul, Op, View
from edgeq.program.program import Buffer, Program
from edgeq.targets.hls.finish import averaged_row, limited_row, multiplier_table, requantized_row
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import Geometry, geometry
from edgeq.targets.hls.rows import convolution_row, depthwise_row, folded_weights, multiplied, pool_row, shifted
from edgeq.targets.hls.stored import stored_weights
from edgeq.targets.portable.fixed_point import Requantizer, accumulator

if TYPE_CHECKING:
    from edgeq.targets.target import Target


ONE = View((1,), (1,))
"""One element."""


@dataclass(frozen=True, eq=False)
class Rom:
    """A constant table of a stage.

    Attributes:
        symbol: Name of the array.
        element: C++ type of its elements.
        data: One-dimensional.
        reshape: Elements read per cycle: they become one wide word.
    """

    symbol: str
    element: str
    data: np.ndarray
    reshape: int = 1


@dataclass(frozen=True, eq=False)
class Row:
    """The arithmetic of one output row of a window stage.

    Attributes:
        shape: Of the operator.
        functions: C++ text of the two functions.
        accumulate, finish: The calls: lines -> acc, acc -> row.
        roms: Tables that they read.
        acc_type: C++ type of an accumulator.
    """

    shape: Geometry
    functions: tuple[str, str]
    accumulate: str
    finish: str
    roms: tuple[Rom, ...]
    acc_type: str


def window_row(stage: Stage, fold: Fold, target: Target) -> Row:
    """The arithmetic of a window stage."""
    (op,) = stage.ops
    if isinstance(op, Conv2D | Dense):
        return _weighted_row(stage, op, fold, target)
    assert isinstance(op, AveragePool | MaxPool)
    return _pooled_row(stage, op, fold, target)


def _weighted_row(stage: Stage, op: Conv2D | Dense, fold: Fold, target: Target) -> Row:
    name, shape, acc_dtype = stage.symbol, geometry(op), accumulator(op.requantize)
    x, y = stage.inputs[0].buffer.dtype, stage.outputs[0].buffer.dtype
    outside = op.x_zero_point if isinstance(op, Conv2D) else 0
    make = depthwise_row if shape.depthwise else convolution_row
    stored = stored_weights(op)
    weight = stored.table if isinstance(op, Conv2D) else stored.table[:, None, None, :]
    sums = make(shape, fold, outside, x, acc_dtype, shifted if stored.shifts else multiplied)
    finish = requantized_row(shape, Requantizer(op.requantize, target, y), acc_dtype)
    w_type = f"edgeq_int<{stored.bits}>::type"
    roms = (
        Rom(f"{name}_w", w_type, folded_weights(weight, fold), fold.products),
        Rom(f"{name}_bias", "int32_t", op.bias),
        Rom(f"{name}_table", "int32_t", multiplier_table(op.requantize)),
    )
    return Row(
        shape,
        (print_cpp(f"{name}_sums", sums, {"w": w_type}), print_cpp(f"{name}_finish", finish, {})),
        f"{name}_sums(lines, {name}_w, {name}_bias, acc, oy)",
        f"{name}_finish(acc, {name}_table, row)",
        roms,
        f"{acc_dtype}_t",
    )


def _pooled_row(stage: Stage, op: AveragePool | MaxPool, fold: Fold, target: Target) -> Row:
    name, shape = stage.symbol, geometry(op)
    x, y = stage.inputs[0].buffer.dtype, stage.outputs[0].buffer.dtype
    if isinstance(op, MaxPool):
        zero_point, finish = None, limited_row(shape, op, y)
        roms: tuple[Rom, ...] = ()
        call = f"{name}_finish(acc, row)"
    else:
        zero_point, finish = op.x_zero_point, averaged_row(shape, op, Requantizer(op.requantize, target, y))
        roms = (
            Rom(f"{name}_table", "int32_t", op.requantize.multiplier),
            Rom(f"{name}_counts", "int32_t", op.counts.reshape(-1)),
        )
        call = f"{name}_finish(acc, {name}_table, {name}_counts, row, oy)"
    sums = pool_row(shape, fold, zero_point, x)
    functions = print_cpp(f"{name}_sums", sums, {}), print_cpp(f"{name}_finish", finish, {})
    return Row(shape, functions, f"{name}_sums(lines, acc, oy)", call, roms, "int32_t")


@dataclass(frozen=True, eq=False)
class Calls:
    """Portable kernels of a stage, called one after the other on local arrays.

    Attributes:
        functions: Their C++ text.
        calls: In order.
        roms: Tables and constant tensors.
    """

    functions: tuple[str, ...]
    calls: tuple[str, ...]
    roms: tuple[Rom, ...]


def whole_calls(stage: Stage, program: Program, target: Target) -> Calls:
    """The operators of a stage on whole tensors, which are arrays named as their buffers."""
    parts = [_call(f"{stage.symbol}_{i}", op, program, target) for i, op in enumerate(stage.ops)]
    return _join(parts)


def element_call(stage: Stage, program: Program, target: Target) -> Calls:
    """The operator of an elementwise stage on one element."""
    (op,) = stage.ops
    assert isinstance(op, Add | Mul | Lut | Interpolate)
    single = op if isinstance(op, Lut | Interpolate) else replace(op, view1=ONE, view2=ONE)
    buffers = tuple(_single(program.buffer[name]) for name in (*op.reads, op.y))
    return _join([_call(stage.symbol, single, replace(program, buffers=buffers), target)])


def _single(buffer: Buffer) -> Buffer:
    return replace(buffer, shape=(1,))


def _join(parts: list[Calls]) -> Calls:
    return Calls(
        tuple(f for part in parts for f in part.functions),
        tuple(c for part in parts for c in part.calls),
        tuple(r for part in parts for r in part.roms),
    )


def _call(name: str, op: Op, program: Program, target: Target) -> Calls:
    generated = select(op, program, target).generate(op, program, target)
    roms: list[Rom] = []
    memory = [operand for operand in generated.operands if isinstance(operand, Scratch)]
    own = "".join(f"{part.dtype}_t {name}_scratch[{part.nbytes // np.dtype(part.dtype).itemsize}]; " for part in memory)
    arguments = [_argument(operand, name, program, roms) for operand in generated.operands]
    function = print_cpp(f"{name}_kernel", generated.func, {})
    return Calls((function,), (f"{own}{name}_kernel({', '.join(arguments)})",), tuple(roms))


def _argument(operand: Operand, name: str, program: Program, roms: list[Rom]) -> str:
    """The array that a kernel gets; tables and constant tensors are added to `roms`."""
    if isinstance(operand, Writes) or (isinstance(operand, Reads) and program.buffer[operand.buffer].data is None):
        return operand.buffer
    if isinstance(operand, Scratch):
        return f"{name}_scratch"
    data = operand.data if isinstance(operand, Table) else program.buffer[operand.buffer].data
    assert data is not None
    rom = Rom(f"{name}_t{len(roms)}", f"{data.dtype}_t", data.reshape(-1))
    roms.append(rom)
    return rom.symbol
