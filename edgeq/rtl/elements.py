"""The engines that take elements one by one: sums, products, tables, softmax.

Each has a core, a SystemVerilog part with one port per operand, and perhaps a requantizer behind it (`finish`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from edgeq.fpga.cost import REQUANTIZER_DSP
from edgeq.fpga.dataflow import Stage
from edgeq.program.ops import Add, Lut, Mul, Softmax
from edgeq.rtl.memory import Memory
from edgeq.rtl.requantizer import ACC_BITS, Parameters, acc_bits, multipliers, requantizer
from edgeq.rtl.rom import Rom, memories, rom

TERM_BITS = 17
"""Of an exponential in the table of a softmax, which is 2^16 at most."""


NORMALIZATION = 1 + 3 + 19
"""Cycles of an element of a softmax: to load it, to add it to the sum, to divide it by the sum."""

WIDE_PORT = 25
"""Bits of the wider operand of a DSP slice (DSP48E1, UG479)."""


@dataclass(frozen=True, eq=False)
class _Elements:
    """What they share: one element per cycle."""

    stage: Stage
    template = "elements.sv.j2"

    @property
    def roms(self) -> tuple[Rom, ...]:
        return ()

    @property
    def memories(self) -> tuple[Memory, ...]:
        return memories(self.roms)

    @property
    def finish(self) -> Parameters | None:
        return None

    @property
    def cycles(self) -> int:
        return self.stage.outputs[0].buffer.size


class Sum(_Elements):
    """Two tensors, element by element."""

    operands = ("a", "b")

    @property
    def dsp(self) -> int:
        return sum(1 if factor.bit_length() < WIDE_PORT else 2 for factor in (self.op.m1, self.op.m2))

    @property
    def op(self) -> Add:
        (op,) = self.stage.ops
        assert isinstance(op, Add)
        return op

    @property
    def core_bits(self) -> int:
        return self.stage.outputs[0].element_bits

    @property
    def core(self) -> tuple[str, Parameters]:
        op = self.op
        bits = {"BITS": self.stage.inputs[0].element_bits, "OUT_BITS": self.core_bits}
        return "edgeq_add", {
            **bits, "M1": op.m1, "M2": op.m2, "C": op.c, "SHIFT": op.shift, "LOW": op.lo, "HIGH": op.hi
        }  # fmt: skip


class Product(_Elements):
    """Two tensors multiplied, element by element."""

    operands = ("a", "b")
    dsp = 1 + REQUANTIZER_DSP

    @property
    def op(self) -> Mul:
        (op,) = self.stage.ops
        assert isinstance(op, Mul)
        return op

    @property
    def core_bits(self) -> int:
        return acc_bits(self.op.requantize)

    @property
    def core(self) -> tuple[str, Parameters]:
        op, bits = self.op, self.stage.inputs[0].element_bits
        return "edgeq_mul", {
            "BITS": bits, "ACC_BITS": self.core_bits, "A_ZERO": op.x1_zero_point, "B_ZERO": op.x2_zero_point
        }  # fmt: skip

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        return (multipliers(self.stage.symbol, self.op.requantize),)

    @property
    def finish(self) -> Parameters:
        sizes = {"ACC_BITS": self.core_bits, "BITS": self.stage.outputs[0].element_bits}
        return {**sizes, **requantizer(self.op.requantize, self.roms[0])}


class Function(_Elements):
    """A table of a function of one number."""

    operands = ("in",)
    dsp = 0

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        (op,) = self.stage.ops
        assert isinstance(op, Lut)
        return (rom(f"{self.stage.symbol}_table", op.table, self.core_bits, 1),)

    @property
    def core_bits(self) -> int:
        return self.stage.outputs[0].element_bits

    @property
    def core(self) -> tuple[str, Parameters]:
        return "edgeq_lut", {"OUT_BITS": self.core_bits, "FILE": self.roms[0].path}


class Normalization(_Elements):
    """Softmax, one element at a time."""

    operands = ("in",)
    core_bits = ACC_BITS
    dsp = REQUANTIZER_DSP

    @property
    def cycles(self) -> int:
        return NORMALIZATION * self.op.rows * self.op.n

    @property
    def op(self) -> Softmax:
        (op,) = self.stage.ops
        assert isinstance(op, Softmax)
        return op

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        """Exponentials and the multiplier."""
        op, name = self.op, self.stage.symbol
        return rom(f"{name}_terms", op.table, TERM_BITS, 1), multipliers(name, op.requantize)

    @property
    def core(self) -> tuple[str, Parameters]:
        return "edgeq_softmax", {"COUNT": self.op.n, "FILE": self.roms[0].path}

    @property
    def finish(self) -> Parameters:
        return {"BITS": self.stage.outputs[0].element_bits, **requantizer(self.op.requantize, self.roms[1])}
