"""Indices of buffers: what they begin with, and which lie side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from edgeq.errors import VerificationError

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, Stmt, Var


def is_scalar(buffer: Buffer) -> bool:
    """True for a local buffer of one element."""
    return str(buffer.scope()) == "local" and list(buffer.shape) == [1]


def lanes(expr: Expr) -> int:
    """Of a vector expression; 1 of numbers and pointers."""
    dtype = getattr(expr.ty, "dtype", None)
    return 1 if dtype is None else int(dtype.lanes)


def splat(expr: Expr) -> Expr:
    """The number that is in all lanes of a vector.

    Raises:
        VerificationError: It is not known that there is one.
    """
    if type(expr).__name__ != "Broadcast":
        raise VerificationError(f"no C form for a vector of different shifts in TIR: {expr}")
    return expr.value


def split_base(index: Expr) -> tuple[Expr, Expr]:
    """The first summand of an index, that of a vector's first element, and the sum of the others."""
    from tvm.tirx import IntImm

    first, *others = _summands(first_lane(index))
    return first, reduce(add, others, IntImm("int32", 0))


def first_lane(index: Expr) -> Expr:
    """Where the neighbouring elements begin that a vector of indices names."""
    if lanes(index) == 1:
        return index
    if type(index).__name__ == "Add":
        return first_lane(index.a) + first_lane(index.b)
    return index.base if type(index).__name__ == "Ramp" else index.value


@dataclass(frozen=True)
class Base:
    """What a variable that some index begins with is for.

    Attributes:
        buffer: Of which it is an index.
        only: Whether it is used for nothing else.
    """

    buffer: Buffer
    only: bool


def is_word_in_parts(store: Stmt) -> bool:
    """True if a store writes a word as neighbouring elements of fewer bytes."""
    value = store.value
    return type(value).__name__ == "Call" and value.op.name == "tirx.reinterpret" and str(value.args[0].ty) == "int32"


def bases(body: Stmt) -> dict[Var, Base]:
    """What every variable that some index begins with is for. Buffers of one type at one pointer are one buffer."""
    from tvm_ffi import structural_walk

    memories: dict[Buffer, tuple[Var, str]] = {}
    buffers: dict[Var, Buffer] = {}
    begun: Counter[Var] = Counter()
    seen: Counter[Var] = Counter()

    def visit(node: Any) -> None:
        kind = type(node).__name__
        if kind == "Var":
            seen[node] += 1
        if kind == "DeclBuffer":
            memories[node.buffer] = node.data, str(node.buffer.dtype)
        if kind in ("TensorLoad", "BufferStore"):
            buffer = node.source if kind == "TensorLoad" else node.buffer
            first, _ = split_base(node.indices[0])
            if type(first).__name__ == "Var":
                known = buffers.setdefault(first, buffer)
                begun[first] += memories.get(known, known) == memories.get(buffer, buffer)

    structural_walk(body, visit)
    return {variable: Base(buffer, seen[variable] == begun[variable] + 1) for variable, buffer in buffers.items()}


def are_neighbours(first: Stmt, second: Stmt) -> bool:
    """True if two statements name words of memory of which the second follows the first."""
    loads = [s.value for s in (first, second) if type(s).__name__ == "Bind" and _is_word(s.value)]
    if len(loads) < 2 or not loads[0].source.same_as(loads[1].source):
        return False
    (places, number), (others, next_number) = (_constant_apart(load.indices[0]) for load in loads)
    return next_number == number + 1 and _equal(places, others)


def _is_word(expr: Expr) -> bool:
    is_load = type(expr).__name__ == "TensorLoad" and str(expr.source.scope()) != "local"
    return is_load and str(expr.ty.dtype) == "int32"


def _constant_apart(index: Expr) -> tuple[list[Expr], int]:
    """The summands of an index that are not numbers, and the sum of those that are."""
    numbers = [s for s in _summands(index) if type(s).__name__ == "IntImm"]
    return [s for s in _summands(index) if type(s).__name__ != "IntImm"], sum(n.value for n in numbers)


def _summands(index: Expr) -> list[Expr]:
    """Of sums, and of differences to a known number."""
    if type(index).__name__ == "Sub" and type(index.b).__name__ == "IntImm":
        return [*_summands(index.a), type(index.b)(index.b.ty.dtype, -index.b.value)]
    return [*_summands(index.a), *_summands(index.b)] if type(index).__name__ == "Add" else [index]


def _equal(a: list[Expr], b: list[Expr]) -> bool:
    from tvm_ffi import structural_equal

    return len(a) == len(b) and all(map(structural_equal, a, b))
