"""Finds the TIR that a function writes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvm.tirx import Expr, Var


class Pattern:
    """The expressions that a function of expressions returns.

    Attributes:
        parameters: Names of the function's parameters.

    Args:
        types: Of the parameters; without, all are int32.
    """

    def __init__(self, function: Callable[..., Expr], types: tuple[str, ...] = ()) -> None:
        from tvm.tirx import Var

        self.parameters = tuple(inspect.signature(function).parameters)
        pairs = zip(self.parameters, types or ("int32",) * len(self.parameters), strict=True)
        self._variables = [Var(name, dtype) for name, dtype in pairs]
        self._expr = function(*self._variables)

    @property
    def root(self) -> tuple[str, int | str]:
        """What every match has in common: see `root`."""
        return root(self._expr)

    def match(self, expr: Expr) -> list[Expr] | None:
        """The arguments with which the function returns `expr`; None if there are none."""
        found: dict[Var, Expr] = {}
        return [found[v] for v in self._variables] if _matches(self._expr, expr, found) else None


def root(expr: Expr) -> tuple[str, int | str]:
    """What an expression's outermost node is: kind or called function, and which LLVM intrinsic or function by name."""
    if type(expr).__name__ != "Call":
        return type(expr).__name__, 0
    return expr.op.name, expr.args[0].value if type(expr.args[0]).__name__ in ("IntImm", "StringImm") else 0


def _matches(pattern: Any, expr: Any, found: dict[Var, Expr]) -> bool:
    """True if `expr` is the pattern with its variables replaced; what replaces them is then in `found`."""
    from tvm_ffi import structural_equal

    if type(pattern).__name__ == "Var":
        return bool(structural_equal(found.setdefault(pattern, expr), expr))
    if root(pattern) != root(expr):
        return False
    if type(expr).__name__ in ("IntImm", "StringImm"):
        return bool(pattern.value == expr.value)
    if str(pattern.ty) != str(expr.ty):
        return False
    inner, outer = _operands(pattern), _operands(expr)
    return len(inner) == len(outer) and all(_matches(a, b, found) for a, b in zip(inner, outer, strict=True))


def _operands(expr: Any) -> list[Any]:
    """Of a call, a vector of numbers, a cast, a broadcast or a binary operator."""
    if type(expr).__name__ == "Call":
        return list(expr.args)
    if type(expr).__name__ == "Shuffle":
        return [*expr.vectors, *expr.indices]
    return [getattr(expr, name) for name in ("value", "a", "b") if hasattr(expr, name)]
