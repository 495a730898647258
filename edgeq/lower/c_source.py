"""Kernels -> C99 source, for any compiler: the text of the same lowered TIR that LLVM is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.lower.c_dialect import dialect_of
from edgeq.lower.c_header import c_headers
from edgeq.lower.c_statement import print_function
from edgeq.lower.tir_pipeline import lower_tir

if TYPE_CHECKING:
    from edgeq.lower.lowered import Lowered


def c_sources(lowered: Lowered) -> dict[str, str]:
    """C files of the kernels, by name: one file, and the headers that it includes besides the package's private one."""
    from tvm.target import Target as TvmTarget

    name = lowered.program.name
    dialect = dialect_of(lowered.target.family)
    headers = c_headers(dialect)
    module = lower_tir(lowered.kernels, TvmTarget("c"))
    functions = {str(func.attrs["global_symbol"]): func for func in module.functions.values()}
    parts = [f"/* {name}: kernels. */", f'#include "{name}_private.h"', *(f'#include "{file}"' for file in headers)]
    for kernel in lowered.kernels:
        parts.append(f"\n/* {kernel.kind} */\n{print_function(functions[kernel.symbol], dialect)}".rstrip("\n"))
    return {f"{name}_kernels.c": "\n".join(parts) + "\n", **headers}
