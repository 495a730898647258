"""Expressions of lowered TIR as C99 text, with the fewest parentheses that compilers accept without a warning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from edgeq.errors import VerificationError

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, Var


class Level(IntEnum):
    """How tightly the outermost operator of a text binds."""

    LOOSE = 0
    LOGIC = 1
    COMPARISON = 2
    SUM = 3
    PRODUCT = 4
    ATOM = 5


class Text(NamedTuple):
    """C text of an expression."""

    text: str
    level: Level

    def within(self, level: Level) -> str:
        """The text as an operand of an operator that needs `level`."""
        return self.text if self.level >= level else f"({self.text})"


class Binary(NamedTuple):
    """C operator, its level, and what it needs of its two operands."""

    symbol: str
    level: Level
    left: Level
    right: Level


BINARY: Mapping[str, Binary] = {
    "Add": Binary("+", Level.SUM, Level.SUM, Level.PRODUCT),
    "Sub": Binary("-", Level.SUM, Level.SUM, Level.PRODUCT),
    "Mul": Binary("*", Level.PRODUCT, Level.PRODUCT, Level.ATOM),
    "Div": Binary("/", Level.PRODUCT, Level.PRODUCT, Level.ATOM),
    **{
        name: Binary(symbol, Level.COMPARISON, Level.SUM, Level.SUM)
        for name, symbol in {"LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "EQ": "==", "NE": "!="}.items()
    },
    "And": Binary("&&", Level.LOGIC, Level.COMPARISON, Level.COMPARISON),
    "Or": Binary("||", Level.LOGIC, Level.COMPARISON, Level.COMPARISON),
    "RShift": Binary(">>", Level.LOOSE, Level.ATOM, Level.ATOM),
    "BitwiseAnd": Binary("&", Level.LOOSE, Level.ATOM, Level.ATOM),
    "BitwiseXor": Binary("^", Level.LOOSE, Level.ATOM, Level.ATOM),
}


SUFFIX = {"int8": "", "int16": "", "int32": "", "int64": "LL", "uint32": "U"}
"""Of literals, by type."""


class ExpressionPrinter:
    """Prints expressions over variables and buffers that have C names.

    Attributes:
        names: C name of each variable and buffer in scope.
    """

    def __init__(self) -> None:
        self.names: dict[Var, str] = {}

    def text(self, expr: Expr) -> str:
        """C text of an expression."""
        return self._print(expr).text

    def element(self, buffer: Buffer, indices: list[Expr]) -> str:
        """C text of a buffer's element; a local buffer of one element is a plain variable."""
        name = self.names[buffer]
        return name if is_scalar(buffer) else f"{name}[{self.text(indices[0])}]"

    def _print(self, expr: Expr) -> Text:
        kind = type(expr).__name__
        if kind in BINARY:
            return self._binary(BINARY[kind], expr)
        method = getattr(self, f"_print_{kind.lower()}", None)
        if method is None:
            raise VerificationError(f"no C form for the TIR expression {kind}")
        text: Text = method(expr)
        return text

    def _binary(self, operator: Binary, expr: Expr) -> Text:
        left, right = self._print(expr.a), self._print(expr.b)
        chained = type(expr.a) is type(expr)
        if operator.symbol == "+" and right.text.startswith("-"):
            operator, right = BINARY["Sub"], Text(right.text[1:], Level.ATOM)
        first = left.within(operator.level if chained else operator.left)
        return Text(f"{first} {operator.symbol} {right.within(operator.right)}", operator.level)

    def _print_var(self, expr: Var) -> Text:
        return Text(self.names[expr], Level.ATOM)

    def _print_intimm(self, expr: Expr) -> Text:
        suffix = SUFFIX[str(expr.ty.dtype)]
        return Text(f"{expr.value}{suffix}", Level.ATOM if expr.value >= 0 else Level.LOOSE)

    def _print_cast(self, expr: Expr) -> Text:
        return Text(f"({c_type(expr.ty.dtype)}){self._print(expr.value).within(Level.ATOM)}", Level.ATOM)

    def _print_select(self, expr: Expr) -> Text:
        parts = (self._print(e).within(Level.COMPARISON) for e in (expr.condition, expr.true_value, expr.false_value))
        return Text("{} ? {} : {}".format(*parts), Level.LOOSE)

    def _print_min(self, expr: Expr) -> Text:
        return Text(f"edgeq_min({self.text(expr.a)}, {self.text(expr.b)})", Level.ATOM)

    def _print_max(self, expr: Expr) -> Text:
        return Text(f"edgeq_max({self.text(expr.a)}, {self.text(expr.b)})", Level.ATOM)

    def _print_tensorload(self, expr: Expr) -> Text:
        return Text(self.element(expr.source, list(expr.indices)), Level.ATOM)


def is_scalar(buffer: Buffer) -> bool:
    """True for a local buffer of one element."""
    return str(buffer.scope()) == "local" and list(buffer.shape) == [1]


def c_type(dtype: object) -> str:
    """C name of a TIR scalar type: `int32` is `int32_t`."""
    return f"{dtype}_t"
