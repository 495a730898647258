"""Kernels -> C99 source, for any compiler: the text of the same lowered TIR that LLVM is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.lower.c_statement import print_function
from edgeq.lower.tir_pipeline import lower_tir

if TYPE_CHECKING:
    from edgeq.lower.lowered import Lowered

FIXED_H = "edgeq_fixed.h"

_FIXED = """\
/* Integer helpers of the kernels. */
#ifndef EDGEQ_FIXED_H
#define EDGEQ_FIXED_H

#include <stdint.h>

/* Right shifts of negative numbers round down on every compiler that edgeq knows; C leaves it to them. */
typedef char edgeq_shift_rounds_down[((-3) >> 1) == -2 ? 1 : -1];

static inline int32_t edgeq_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t edgeq_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

#endif
"""


def c_sources(lowered: Lowered) -> dict[str, str]:
    """C files of the kernels, by name: one file, and the header that it includes besides the package's private one."""
    from tvm.target import Target as TvmTarget

    name = lowered.program.name
    module = lower_tir(lowered.kernels, TvmTarget("c"))
    functions = {str(func.attrs["global_symbol"]): func for func in module.functions.values()}
    parts = [f"/* {name}: kernels. */", f'#include "{name}_private.h"', f'#include "{FIXED_H}"']
    for kernel in lowered.kernels:
        parts.append(f"\n/* {kernel.kind} */\n{print_function(functions[kernel.symbol])}".rstrip("\n"))
    return {f"{name}_kernels.c": "\n".join(parts) + "\n", FIXED_H: _FIXED}
