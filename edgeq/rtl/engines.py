"""Stages as engines: the parameters of their SystemVerilog parts, and the tables that these read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.fpga.stage_kind import Kind, kind_of
from edgeq.program.ops import Add, Lut, Op, Softmax
from edgeq.rtl.requantizer import Parameters, multipliers, requantizer
from edgeq.rtl.rom import Rom, rom
from edgeq.rtl.window import Window
from edgeq.targets.hls.fold import Fold

TERM_BITS = 17
"""Of an exponential in the table of a softmax, which is 2^16 at most."""


@dataclass(frozen=True, eq=False)
class Sum:
    """Two tensors, element by element."""

    stage: Stage
    template = "add.sv.j2"
    roms: tuple[Rom, ...] = ()

    @property
    def op(self) -> Add:
        (op,) = self.stage.ops
        assert isinstance(op, Add)
        return op

    @property
    def part(self) -> Parameters:
        op = self.op
        bits = {"BITS": self.stage.inputs[0].element_bits, "OUT_BITS": self.stage.outputs[0].element_bits}
        return {**bits, "M1": op.m1, "M2": op.m2, "C": op.c, "SHIFT": op.shift, "LOW": op.lo, "HIGH": op.hi}


@dataclass(frozen=True, eq=False)
class Function:
    """A table of a function of one number."""

    stage: Stage
    template = "lut.sv.j2"

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        (op,) = self.stage.ops
        assert isinstance(op, Lut)
        return (rom(f"{self.stage.symbol}_table", op.table, self.stage.outputs[0].element_bits, 1),)

    @property
    def part(self) -> Parameters:
        return {"OUT_BITS": self.stage.outputs[0].element_bits, "FILE": self.roms[0].path}


@dataclass(frozen=True, eq=False)
class Normalization:
    """Softmax, one element at a time."""

    stage: Stage
    template = "softmax.sv.j2"

    @property
    def op(self) -> Softmax:
        (op,) = self.stage.ops
        assert isinstance(op, Softmax)
        return op

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        """Exponentials and the multiplier."""
        op, name = self.op, self.stage.symbol
        return rom(f"{name}_terms", op.table, TERM_BITS, 1), multipliers(name, op.requantize, np.zeros(1, np.int32))

    @property
    def part(self) -> Parameters:
        return {"COUNT": self.op.n, "FILE": self.roms[0].path}

    @property
    def finish(self) -> Parameters:
        return {"BITS": self.stage.outputs[0].element_bits, **requantizer(self.op.requantize, self.roms[1])}


@dataclass(frozen=True, eq=False)
class Copies:
    """One input of the design for several readers."""

    stage: Stage
    template = "copies.sv.j2"
    roms: tuple[Rom, ...] = ()


Engine = Window | Sum | Function | Normalization | Copies


def engine(stage: Stage, fold: Fold, flow: Dataflow) -> Engine:
    """The engine of a stage.

    Raises:
        UnsupportedError: There is none.
    """
    kind = kind_of(stage, flow.program)
    if not stage.ops:
        return Copies(stage)
    (op,) = stage.ops[:1]
    if kind == Kind.WINDOW:
        return Window(stage, fold)
    if kind == Kind.ELEMENTWISE and isinstance(op, Add):
        return Sum(stage)
    if kind == Kind.ELEMENTWISE and isinstance(op, Lut) and stage.inputs[0].element_bits == 8:
        return Function(stage)
    if isinstance(op, Softmax) and len(stage.ops) == 1 and stage.inputs:
        return Normalization(stage)
    raise _unsupported(op)


def _unsupported(op: Op) -> UnsupportedError:
    return UnsupportedError(
        f"fpga-rtl has no engine for this {op.kind}: its engines are convolutions, fully connected layers, "
        "pooling, sums of two tensors of one shape, tables and softmax",
        node=op.name,
        fix="--target fpga-hls has every operator",
    )
