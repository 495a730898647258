"""Stages as engines: the parameters of their SystemVerilog parts, and the tables that these read."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.errors import UnsupportedError
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.fpga.stage_kind import Kind
from edgeq.program.ops import Add, Lut, Mul, Op, Softmax
from edgeq.rtl.arrangement import Arrangement, is_arrangement
from edgeq.rtl.elements import Function, Normalization, Product, Sum
from edgeq.rtl.memory import Memory
from edgeq.rtl.rom import Rom
from edgeq.rtl.window import Window
from edgeq.targets.hls.fold import Fold


@dataclass(frozen=True, eq=False)
class Fork:
    """One input of the design for several readers."""

    stage: Stage
    template = "fork.sv.j2"
    dsp = 0
    roms: tuple[Rom, ...] = ()
    memories: tuple[Memory, ...] = ()

    @property
    def cycles(self) -> int:
        return self.stage.outputs[0].words


Engine = Window | Sum | Product | Function | Normalization | Arrangement | Fork


def engine(stage: Stage, fold: Fold, flow: Dataflow) -> Engine:
    """The engine of a stage.

    Raises:
        UnsupportedError: There is none.
    """
    kind = stage.kind(flow.program)
    if not stage.ops:
        return Fork(stage)
    if kind == Kind.WINDOW:
        return Window(stage, fold)
    if is_arrangement(stage.ops, stage.inputs):
        return Arrangement(stage, flow.program)
    made = _by_elements(stage, kind)
    if made is None:
        raise _unsupported(stage.ops[0])
    return made


def _by_elements(stage: Stage, kind: Kind) -> Sum | Product | Function | Normalization | None:
    (op,) = stage.ops[:1]
    if kind == Kind.ELEMENTWISE and isinstance(op, Add):
        return Sum(stage)
    if kind == Kind.ELEMENTWISE and isinstance(op, Mul):
        return Product(stage)
    if kind == Kind.ELEMENTWISE and isinstance(op, Lut) and stage.inputs[0].element_bits == 8:
        return Function(stage)
    if isinstance(op, Softmax) and len(stage.ops) == 1 and stage.inputs:
        return Normalization(stage)
    return None


def _unsupported(op: Op) -> UnsupportedError:
    return UnsupportedError(
        f"fpga-rtl has no engine for this {op.kind}: its engines are convolutions, fully connected layers, "
        "pooling, sums and products of two tensors of one shape, copies out of tensors, tables and softmax",
        node=op.name,
        fix="--target fpga-hls has every operator",
    )
