"""An edgeq target as TVM's LLVM code generator wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvm.target import Target as TvmTarget

    from edgeq.targets.target import Target


def llvm_target(target: Target, float_abi: str | None = None, *, aliasing: bool = False) -> TvmTarget:
    """TVM target for `target`.

    Args:
        float_abi: One of `target.float_abis`, or None for the default. Kernels hold no floating point, but objects
            carry a tag that must agree with the firmware's.
        aliasing: LLVM keeps the order of accesses to different buffers, as these may share memory. TVM tags what it
            loads and stores by buffer (type-based alias analysis), also in functions without `tirx.noalias`.
    """
    from tvm.target import Target as TvmTarget

    float_abi = float_abi or next(iter(target.float_abis), None)
    return TvmTarget(
        {
            "kind": "llvm",
            "mtriple": target.triple,
            "mcpu": target.cpu,
            # Kernels hold no vectors of TVM's; without a width it warns that it does not know the CPU's.
            "vector-width": 32,
            **({"mattr": list(target.llvm_features)} if target.llvm_features else {}),
            **({"mabi": target.llvm_abi} if target.llvm_abi else {}),
            **({"mfloat-abi": float_abi} if float_abi else {}),
            **({"cl-opt": ["-enable-tbaa:bool=false"]} if aliasing else {}),
        }
    )
