"""Vectors of lowered TIR as C: calls of functions that a dialect's header has, named after operation and type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgeq.errors import VerificationError
from edgeq.lower.c_expression import ExpressionPrinter, Level, Text
from edgeq.lower.c_index import lanes, splat

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

OPERATIONS: Mapping[str, str] = {
    "Add": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Min": "min",
    "Max": "max",
    "BitwiseAnd": "and",
    "LT": "less",
}
"""Functions of two vectors, by TIR node."""

WITH_NUMBER = ("Add", "Mul")
"""Those that may have the same number in all lanes of the second vector: instructions have it in one register."""

SHIFTS: Mapping[str, str] = {"LShift": "shift_left", "RShift": "shift_right"}


class VectorPrinter(ExpressionPrinter):
    """Prints vector expressions, too; the names of their types and functions begin with `edgeq_`."""

    def store(self, buffer: Buffer, index: Expr, value: Expr) -> str:
        """C text that stores a vector at an index; what was narrowed for it is narrowed by the store."""
        dtype = value.ty.dtype
        narrowed = value.value if type(value).__name__ == "Cast" else value
        return f"edgeq_store_{dtype}({self.address(buffer, [index])}, {self.text(narrowed)})"

    def _print(self, expr: Expr) -> Text:
        if lanes(expr) == 1:
            return super()._print(expr)
        found = self.dialect.find(expr) if self.dialect else None
        return self._form(*found) if found else Text(self._vector(expr), Level.ATOM)

    def _vector(self, expr: Expr) -> str:
        kind, dtype = type(expr).__name__, expr.ty.dtype
        if kind == "Var":
            return self.names[expr]
        if kind in WITH_NUMBER and type(expr.b).__name__ == "Broadcast":
            return f"edgeq_{OPERATIONS[kind]}_number_{dtype}({self.text(expr.a)}, {self.text(expr.b.value)})"
        if kind in OPERATIONS:
            return f"edgeq_{OPERATIONS[kind]}_{expr.a.ty.dtype}({self.text(expr.a)}, {self.text(expr.b)})"
        if kind in SHIFTS:
            return self._shift(SHIFTS[kind], expr)
        text: str = self._method("_vector", expr)(expr)
        return text

    def _shift(self, name: str, expr: Expr) -> str:
        """By a number that is the same in all lanes: instructions have known ones in them, and others in a register."""
        by = splat(expr.b)
        known = "" if type(by).__name__ == "IntImm" else "_by"
        return f"edgeq_{name}{known}_{expr.ty.dtype}({self.text(expr.a)}, {self.text(by)})"

    def _vector_broadcast(self, expr: Expr) -> str:
        return f"edgeq_splat_{expr.ty.dtype}({self.text(expr.value)})"

    def _vector_shuffle(self, expr: Expr) -> str:
        """Of numbers, or of every second element in memory."""
        first, *others = expr.vectors
        if not others and type(first).__name__ == "TensorLoad":
            address = self.address(first.source, list(first.indices))
            return f"edgeq_load_second_{expr.ty.dtype}({address}, {self.text(expr.indices[0])})"
        return f"edgeq_set_{expr.ty.dtype}({', '.join(map(self.text, expr.vectors))})"

    def _vector_select(self, expr: Expr) -> str:
        parts = ", ".join(map(self.text, (expr.condition, expr.true_value, expr.false_value)))
        return f"edgeq_select_{expr.ty.dtype}({parts})"

    def _vector_cast(self, expr: Expr) -> str:
        """Of elements in memory, which are widened as they are loaded."""
        if type(expr.value).__name__ != "TensorLoad":
            raise VerificationError(f"no C form for a cast of {expr.value.ty.dtype} to {expr.ty.dtype} in TIR")
        return self.text(expr.value)

    def _vector_tensorload(self, expr: Expr) -> str:
        if lanes(expr.indices[0]) == 1:  # of a buffer of vectors
            return self.element(expr.source, list(expr.indices))
        return f"edgeq_load_{expr.ty.dtype}({self.address(expr.source, list(expr.indices))})"

    def _vector_call(self, expr: Expr) -> str:
        if expr.op.name != "tirx.reinterpret":
            raise VerificationError(f"no C form for the TIR expression {expr}")
        value = expr.args[0]
        return f"edgeq_{value.ty.dtype}_as_{expr.ty.dtype}({self.text(value)})"
