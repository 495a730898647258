"""TIR passes that every kernel goes through before code is made from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgeq.lower.lowered import Kernel

if TYPE_CHECKING:
    from tvm.ir import IRModule
    from tvm.target import Target as TvmTarget


def lower_tir(kernels: Iterable[Kernel], tvm_target: TvmTarget) -> IRModule:
    """Kernels as one module of functions with their C symbols, ready for code generation.

    Indices become 32-bit; loops, buffers and comparisons that can be decided now are decided; common subexpressions
    get names. Loops stay loops: unrolling and vectorizing is LLVM's business.
    """
    from tvm import ir, tirx

    functions = {}
    for kernel in kernels:
        func = kernel.func.with_attr("global_symbol", kernel.symbol).with_attr("tirx.is_global_func", True)
        functions[ir.GlobalVar(kernel.symbol)] = func
    passes = ir.transform.Sequential(
        [
            tirx.transform.BindTarget(tvm_target),
            tirx.transform.FlattenBuffer(),
            tirx.transform.RemoveNoOp(),
        ]
    )
    return passes(ir.IRModule(functions))
