"""The engine of a sliding window: convolution, fully connected layer, pooling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from edgeq.fpga.cost import REQUANTIZER_DSP
from edgeq.fpga.dataflow import Stage
from edgeq.program.ops import AveragePool, Conv2D, Dense, MaxPool
from edgeq.rtl.memory import Memory
from edgeq.rtl.requantizer import ACC_BITS, Parameters, acc_bits, multipliers, requantizer
from edgeq.rtl.rom import Rom, memories, rom
from edgeq.targets.hls.fold import Fold
from edgeq.targets.hls.geometry import Geometry, geometry
from edgeq.targets.hls.rows import folded_weights


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
    def lanes(self) -> int:
        """Input elements per step."""
        return self.fold.outputs if self.shape.depthwise else self.fold.inputs

    @property
    def words(self) -> int:
        """Of a pixel in memory."""
        return self.shape.channels // self.lanes

    @property
    def folds(self) -> int:
        """Of the output channels."""
        return self.shape.out_channels // self.fold.outputs

    @property
    def group_words(self) -> int:
        """Words of a pixel that one sum reads."""
        return 1 if self.shape.depthwise else self.words // self.shape.groups

    @property
    def group_folds(self) -> int:
        """Folds that read the same words."""
        return 1 if self.shape.depthwise else self.folds // self.shape.groups

    @property
    def steps(self) -> int:
        """Of one sum."""
        return self.shape.taps * self.group_words

    @property
    def acc_bits(self) -> int:
        return ACC_BITS if isinstance(self.op, MaxPool) else acc_bits(self.op.requantize)

    @property
    def ring(self) -> int:
        """Rows in memory: those of a window, those that the next one adds, and those that give no output of their own.

        While the latter come in, the window has nothing to do: without room for them during the windows before, it
        would keep back a stage that takes all the time that there is.
        """
        shape = self.shape
        left_over = shape.height - (shape.out_height - 1) * shape.strides[0] + shape.top
        idle = shape.height - shape.out_height * shape.strides[0]
        return max(shape.span + shape.strides[0], min(left_over, shape.height)) + max(idle, 0)

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
            "GROUP_WORDS": self.group_words,
            "GROUP_FOLDS": self.group_folds,
            "RING": self.ring,
        }

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The rows, and the tables."""
        return self.rows, *memories(self.roms)

    @property
    def rows(self) -> Memory:
        return Memory(self.stage.inputs[0].element_bits * self.lanes, self.ring * self.shape.width * self.words)

    @property
    def dsp(self) -> int:
        """One slice for each product, and those of the requantizer."""
        if isinstance(self.op, MaxPool):
            return 0
        return REQUANTIZER_DSP + (self.fold.products if isinstance(self.op, Conv2D | Dense) else 0)

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
        folding: Parameters = {"INPUTS": self.fold.inputs, "DEPTHWISE": int(self.shape.depthwise), "FOLDS": self.folds}
        tables: Parameters = {"WORDS": weights.depth, "WEIGHTS": weights.path, "BIAS": bias.path}
        return "edgeq_mac", {**sizes, "WEIGHT_BITS": op.weight_bits, **folding, **tables}

    @property
    def finish(self) -> tuple[str, Parameters]:
        """The part that makes outputs of these numbers."""
        op, sizes = self.op, {"ACC_BITS": self.acc_bits, "BITS": self.stage.outputs[0].element_bits}
        if isinstance(op, MaxPool):
            return "edgeq_limit", {**sizes, "LOW": op.lo, "HIGH": op.hi}
        repeat = self.shape.out_channels if isinstance(op, AveragePool) else 1
        return "edgeq_requantize", {**sizes, **requantizer(op.requantize, self.roms[-1]), "REPEAT": repeat}

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        """Weights and biases, where there are any, and multipliers."""
        op, name = self.op, self.stage.symbol
        if isinstance(op, MaxPool):
            return ()
        if isinstance(op, AveragePool):
            return (multipliers(name, op.requantize, op.counts.reshape(-1).tolist()),)
        weight = op.weight if isinstance(op, Conv2D) else op.weight[:, None, None, :]
        return (
            rom(f"{name}_weights", folded_weights(weight, self.fold), op.weight_bits, self.fold.products),
            rom(f"{name}_bias", op.bias, 32, self.fold.outputs),
            multipliers(name, op.requantize, range(len(op.requantize.multiplier))),
        )
