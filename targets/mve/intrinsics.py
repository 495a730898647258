"""Instructions of the M-profile Vector Extension as TIR expressions (Arm v8-M ARM, C2.4; ACLE, "MVE intrinsics")."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tvm.script import tirx as T
from tvm.target.codegen import llvm_lookup_intrinsic_id

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

BYTES = 16
"""Of a vector."""

WORDS = 4
"""Of a vector."""

_SIGNED = 0
_NO_SUBTRACT = 0
_NO_EXCHANGE = 0


@cache
def _id(name: str) -> int:
    return int(llvm_lookup_intrinsic_id(name))


def vmladava(acc: Expr, a: Expr, b: Expr) -> Expr:
    """acc + sum a[i] * b[i] over int8x16 vectors, as int32; wraps."""
    flags = (T.int32(flag) for flag in (_SIGNED, _NO_SUBTRACT, _NO_EXCHANGE))
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vmldava"), *flags, acc, a, b, dtype="int32")


def vqrdmulh(a: Expr, m: Expr) -> Expr:
    """(a * m + 2^30) >> 31 in each lane of int32x4: the contract's very rounding (it saturates only -2^31 * -2^31)."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vqrdmulh"), a, m, dtype="int32x4")


def first_bytes(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 16 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp8"), count, dtype="boolx16")


def first_words(count: Expr | int) -> Expr:
    """Predicate: the first `count` of 4 lanes."""
    return T.call_llvm_pure_intrin(_id("llvm.arm.mve.vctp32"), count, dtype="boolx4")


def load_bytes(buffer: Buffer, index: Expr, predicate: Expr | None = None) -> Expr:
    """Sixteen neighbouring int8 elements at any address; zeros where `predicate` is false, without reading there."""
    if predicate is None:
        return buffer[T.Ramp(index, 1, BYTES)]
    zeros = T.Broadcast(T.int8(0), BYTES)
    pointer = T.address_of(buffer[index])
    return T.call_llvm_intrin(_id("llvm.masked.load"), pointer, predicate, zeros, dtype="int8x16")


def store(buffer: Buffer, index: Expr, value: Expr, predicate: Expr) -> None:
    """Stores the lanes of `value` for which `predicate` holds."""
    pointer = T.address_of(buffer[index])
    T.evaluate(T.call_llvm_intrin(_id("llvm.masked.store"), value, pointer, predicate, dtype="void"))
