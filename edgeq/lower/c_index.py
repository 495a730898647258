"""Indices of buffers: what they begin with, and which lie side by side."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, Stmt, Var


def is_scalar(buffer: Buffer) -> bool:
    """True for a local buffer of one element."""
    return str(buffer.scope()) == "local" and list(buffer.shape) == [1]


def split_base(index: Expr) -> tuple[Expr, Expr]:
    """The first summand of an index, and the sum of the others."""
    from tvm.tirx import IntImm

    first, *others = _summands(index)
    return first, reduce(add, others, IntImm("int32", 0))


def first_lane(index: Expr) -> Expr:
    """Where the neighbouring elements begin that a vector of indices names."""
    if type(index).__name__ == "Add":
        return first_lane(index.a) + first_lane(index.b)
    return index.base if type(index).__name__ == "Ramp" else index.value


def bases(body: Stmt) -> dict[Var, Buffer]:
    """For every variable that some index begins with, the buffer of which it is an index."""
    from tvm_ffi import structural_walk

    found: dict[Var, Buffer] = {}

    def visit(node: Any) -> None:
        buffer = {"TensorLoad": "source", "BufferStore": "buffer"}.get(type(node).__name__)
        if buffer:
            first, _ = split_base(node.indices[0])
            if type(first).__name__ == "Var":
                found.setdefault(first, getattr(node, buffer))

    structural_walk(body, visit)
    return found


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
    return [*_summands(index.a), *_summands(index.b)] if type(index).__name__ == "Add" else [index]


def _equal(a: list[Expr], b: list[Expr]) -> bool:
    from tvm_ffi import structural_equal

    return len(a) == len(b) and all(map(structural_equal, a, b))
