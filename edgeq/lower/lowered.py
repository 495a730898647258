"""What lowering hands to the packer and the runners: kernels, constants, call sequence, memory plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc

    from edgeq.program.ops import Op
    from edgeq.program.planner import Plan
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


@dataclass(frozen=True, eq=False)
class Constant:
    """A const array in flash.

    Attributes:
        symbol: C identifier, unique in the program.
        data: One-dimensional int8, uint8, int16 or int32, in the order that its kernel wants.
        kind: `weights` (packed weight bytes) or `constants` (biases, multipliers, tables, constant tensors).
    """

    symbol: str
    data: np.ndarray
    kind: Literal["weights", "constants"]


@dataclass(frozen=True, eq=False)
class Kernel:
    """A generated function; equal functions are shared by the calls that need them.

    Attributes:
        symbol: C identifier: `<program>_k<number>`.
        kind: What it computes: `Op.kind`.
        func: TIR PrimFunc over raw pointers (plain C ABI), not yet lowered.
        aliasing: Loads and stores must keep their order: in some call its pointers reach the same bytes.
    """

    symbol: str
    kind: str
    func: PrimFunc
    aliasing: bool = False


@dataclass(frozen=True)
class Argument:
    """What a call passes: a program buffer, a constant, or working memory.

    Attributes:
        kind: `buffer`, `constant` or `scratch`.
        name: Name of the buffer, symbol of the constant, or name of the scratch memory in the plan.
        dtype: Element type that the kernel's pointer has.
        writes: True if the kernel writes through it.
    """

    kind: Literal["buffer", "constant", "scratch"]
    name: str
    dtype: str
    writes: bool = False


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One step of the call sequence."""

    symbol: str
    arguments: tuple[Argument, ...]
    op: Op


@dataclass(frozen=True, eq=False)
class Lowered:
    """A program made ready for one target."""

    program: Program
    target: Target
    kernels: tuple[Kernel, ...]
    constants: tuple[Constant, ...]
    calls: tuple[KernelCall, ...]
    plan: Plan
