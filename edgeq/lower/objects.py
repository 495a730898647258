"""Kernels -> relocatable ELF objects, one per kernel, by TVM's LLVM."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeq.errors import VerificationError
from edgeq.lower.assembly import with_assembly
from edgeq.lower.elf import code_bytes, undefined_symbols
from edgeq.lower.elf_stack import stack_bytes
from edgeq.lower.elf_strip import strip
from edgeq.lower.llvm import llvm_target
from edgeq.lower.tir_pipeline import lower_tir

if TYPE_CHECKING:
    from tvm.target import Target as TvmTarget

    from edgeq.lower.lowered import Kernel, Lowered

LIBRARY = frozenset({"memcpy", "memset", "memmove"})
"""What a kernel may expect of the firmware: every C compiler demands these even of freestanding ones."""


@dataclass(frozen=True, eq=False)
class KernelObject:
    """A compiled kernel.

    Attributes:
        symbol: Its C name.
        elf: Relocatable object.
        code_bytes: Code and read-only data.
        stack_bytes: Stack that a call takes at most.
    """

    symbol: str
    elf: bytes
    code_bytes: int
    stack_bytes: int


def compile_objects(lowered: Lowered, float_abi: str | None = None) -> tuple[KernelObject, ...]:
    """Compiles every kernel for `lowered.target`.

    Args:
        float_abi: One of the target's; None takes its default.

    Raises:
        VerificationError: An object needs a library function that firmware does not have.
    """
    targets = {a: llvm_target(lowered.target, float_abi, aliasing=a) for a in (False, True)}
    kernels = lowered.kernels
    if "dsp" in lowered.target.features:
        kernels = tuple(replace(kernel, func=with_assembly(kernel.func)) for kernel in kernels)
    return tuple(_compile(kernel, targets[kernel.aliasing]) for kernel in kernels)


def _compile(kernel: Kernel, tvm_target: TvmTarget) -> KernelObject:
    elf = _build(kernel, tvm_target)
    stripped = strip(elf)
    foreign = undefined_symbols(stripped) - LIBRARY
    if foreign:
        raise VerificationError(f"kernel {kernel.symbol} ({kernel.kind}) calls {', '.join(sorted(foreign))}")
    return KernelObject(kernel.symbol, stripped, code_bytes(stripped), stack_bytes(elf, kernel.symbol))


def _build(kernel: Kernel, tvm_target: TvmTarget) -> bytes:
    from tvm.target.codegen import build_module

    module = build_module(lower_tir([kernel], tvm_target), tvm_target)
    # TVM writes to paths only, and where the disk is full LLVM ends the process: so the path is one in memory.
    with open(os.memfd_create("kernel"), "rb") as file:
        module.write_to_file(f"/proc/self/fd/{file.fileno()}", "o")
        return file.read()
