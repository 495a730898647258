"""Stages as engines: the parameters of their SystemVerilog parts, and the tables that these read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.fpga.dataflow import Dataflow, Stage
from edgeq.fpga.stage_kind import Kind, kind_of
from edgeq.program.ops import Add, AveragePool, Conv2D, Dense, Lut, MaxPool, Op, Requantize
from edgeq.rtl.rom import Rom, rom
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import Geometry, geometry
from edgeq.targets.hls.rows import folded_weights

ACC_BITS, WIDE_ACC_BITS = 32, 64

Parameters = dict[str, int | str]


@dataclass(frozen=True, eq=False)
class Window:
    """A sliding window: rows in memory, sums or maxima, and what makes outputs of them."""

    stage: Stage
    fold: Fold
    template = "window.sv.j2"

    @property
    def op(self) -> Conv2D | Dense | AveragePool | MaxPool:
        (op,) = self.stage.ops
        assert isinstance(op, Conv2D | Dense | AveragePool | MaxPool)
        return op

    @cached_property
    def shape(self) -> Geometry:
        return geometry(self.op)

    @property
    def own_inputs(self) -> bool:
        """Whether each output channel reads one input channel."""
        return isinstance(self.op, AveragePool | MaxPool) or (isinstance(self.op, Conv2D) and self.op.groups > 1)

    @property
    def lanes(self) -> int:
        """Input elements per step."""
        return self.fold.outputs if self.own_inputs else self.fold.inputs

    @property
    def words(self) -> int:
        """Of a pixel in memory."""
        return self.shape.channels // self.lanes

    @property
    def folds(self) -> int:
        """Of the output channels."""
        return self.shape.out_channels // self.fold.outputs

    @property
    def steps(self) -> int:
        """Of one sum."""
        return self.shape.taps * (1 if self.own_inputs else self.words)

    @property
    def acc_bits(self) -> int:
        wide = not isinstance(self.op, MaxPool) and self.op.requantize.right > 0
        return WIDE_ACC_BITS if wide else ACC_BITS

    @property
    def ring(self) -> int:
        """Rows in memory: those of a window and those that the next one adds."""
        shape = self.shape
        left_over = shape.height - (shape.out_height - 1) * shape.strides[0] + shape.top
        return max(shape.span + shape.strides[0], min(left_over, shape.height))

    @property
    def lines(self) -> Parameters:
        shape = self.shape
        return {
            "BITS": self.stage.inputs[0].element_bits,
            "LANES": self.lanes,
            "OUTSIDE": self._outside,
            "HEIGHT": shape.height,
            "WIDTH": shape.width,
            "WORDS": self.words,
            "OUT_HEIGHT": shape.out_height,
            "OUT_WIDTH": shape.out_width,
            "FOLDS": self.folds,
            "KERNEL_Y": shape.kernel[0],
            "KERNEL_X": shape.kernel[1],
            "STRIDE_Y": shape.strides[0],
            "STRIDE_X": shape.strides[1],
            "DILATION_Y": shape.dilations[0],
            "DILATION_X": shape.dilations[1],
            "TOP": shape.top,
            "LEFT": shape.left,
            "DEPTHWISE": int(self.own_inputs),
            "RING": self.ring,
        }

    @property
    def lines_width(self) -> int:
        """Bits of a word of the memory of rows."""
        return self.stage.inputs[0].element_bits * self.lanes

    @property
    def lines_depth(self) -> int:
        """Its words."""
        return self.ring * self.shape.width * self.words

    @property
    def _outside(self) -> int:
        if isinstance(self.op, MaxPool):
            return -1 << (self.stage.inputs[0].element_bits - 1)
        return 0 if isinstance(self.op, Dense) else self.op.x_zero_point

    @property
    def reducer(self) -> tuple[str, Parameters]:
        """The part that makes one number of each window."""
        op, common = self.op, {"BITS": self.stage.inputs[0].element_bits, "ACC_BITS": self.acc_bits}
        sizes: Parameters = {**common, "OUTPUTS": self.fold.outputs}
        if isinstance(op, AveragePool | MaxPool):
            zero_point = 0 if isinstance(op, MaxPool) else op.x_zero_point
            return "edgeq_reduce", {**sizes, "MAXIMUM": int(isinstance(op, MaxPool)), "ZERO_POINT": zero_point}
        weights, bias = self.roms[:2]
        folding: Parameters = {"INPUTS": self.fold.inputs, "DEPTHWISE": int(self.own_inputs), "FOLDS": self.folds}
        tables: Parameters = {"WORDS": weights.depth, "WEIGHTS": weights.path, "BIAS": bias.path}
        return "edgeq_mac", {**sizes, "WEIGHT_BITS": op.weight_bits, **folding, **tables}

    @property
    def finish(self) -> tuple[str, Parameters]:
        """The part that makes outputs of these numbers."""
        op, sizes = self.op, {"ACC_BITS": self.acc_bits, "BITS": self.stage.outputs[0].element_bits}
        if isinstance(op, MaxPool):
            return "edgeq_limit", {**sizes, "LOW": op.lo, "HIGH": op.hi}
        rq, table = op.requantize, self.roms[-1]
        return "edgeq_requantize", {
            **sizes,
            "LEFT": rq.left,
            "RIGHT": rq.right,
            "ZERO_POINT": rq.zero_point,
            "LOW": rq.lo,
            "HIGH": rq.hi,
            "ENTRIES": table.depth,
            "REPEAT": self.shape.out_channels if isinstance(op, AveragePool) else 1,
            "SIGNED": int(rq.negative is not None),
            "MULTIPLIERS": table.path,
        }

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        """Weights and biases, where there are any, and multipliers."""
        op, name = self.op, self.stage.symbol
        if isinstance(op, MaxPool):
            return ()
        if isinstance(op, AveragePool):
            return (_multipliers(name, op.requantize, op.counts.reshape(-1)),)
        weight = op.weight if isinstance(op, Conv2D) else op.weight[:, None, None, :]
        return (
            rom(f"{name}_weights", folded_weights(weight, self.fold), op.weight_bits, self.fold.products),
            rom(f"{name}_bias", op.bias, 32, self.fold.outputs),
            _multipliers(name, op.requantize, np.arange(len(op.requantize.multiplier))),
        )


def _multipliers(name: str, requantize: Requantize, order: np.ndarray) -> Rom:
    """The multipliers in the order of the outputs; a single one is kept once."""
    parts = [requantize.multiplier] + ([] if requantize.negative is None else [requantize.negative])
    chosen = order if len(requantize.multiplier) > 1 else order[:1]
    return rom(f"{name}_multipliers", np.stack(parts, axis=-1)[chosen].reshape(-1), 32, len(parts))


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
class Copies:
    """One input of the design for several readers."""

    stage: Stage
    template = "copies.sv.j2"
    roms: tuple[Rom, ...] = ()


Engine = Window | Sum | Function | Copies


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
    raise _unsupported(op)


def _unsupported(op: Op) -> UnsupportedError:
    return UnsupportedError(
        f"fpga-rtl has no engine for this {op.kind}: its engines are convolutions (one group, or depthwise), fully "
        "connected layers, pooling, sums of two tensors of one shape, and tables",
        node=op.name,
        fix="--target fpga-hls has every operator",
    )
