"""Expressions of lowered TIR as C99 text, with the fewest parentheses that compilers accept without a warning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from edgeq.errors import VerificationError
from edgeq.lower.c_index import first_lane, is_scalar, split_base

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, Var

    from edgeq.lower.c_dialect import Dialect, Form


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


class Window(NamedTuple):
    """A pointer into a buffer, in place of an index."""

    buffer: Buffer
    pointer: Var


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
    "BitwiseOr": Binary("|", Level.LOOSE, Level.ATOM, Level.ATOM),
    "BitwiseXor": Binary("^", Level.LOOSE, Level.ATOM, Level.ATOM),
}


SUFFIX = {"bool": "", "int8": "", "int16": "", "int32": "", "int64": "LL", "uint32": "U"}
"""Of literals, by type."""


class ExpressionPrinter:
    """Prints expressions over variables and buffers that have C names.

    Attributes:
        names: C name of each variable and buffer in scope.
        dialect: How intrinsics are written, if there are any.
        windows: Of variables that are pointers in C: indices by which a buffer's elements are reached.
        views: Buffers of another type, but bytes, at the pointer of a buffer, of which they have the name, and that
            buffer; their elements are copied in and out as bytes, which no compiler takes for memory of another type.
    """

    def __init__(self, dialect: Dialect | None = None) -> None:
        self.names: dict[Var, str] = {}
        self.dialect = dialect
        self.windows: dict[Var, Window] = {}
        self.views: dict[Buffer, Buffer] = {}

    def text(self, expr: Expr) -> str:
        """C text of an expression."""
        return self._print(expr).text

    def element(self, buffer: Buffer, indices: list[Expr]) -> str:
        """C text of a buffer's element, a vector's first one; a local buffer of one element is a plain variable."""
        name = self.names[buffer]
        if is_scalar(buffer):
            return name
        first, rest = split_base(indices[0])
        window = self.windows.get(first)
        if window and (self.names[window.buffer], window.buffer.dtype) == (name, buffer.dtype):
            return f"{self.names[window.pointer]}[{self.text(rest)}]"
        return f"{name}[{self.text(first_lane(indices[0]))}]"

    def address(self, buffer: Buffer, indices: list[Expr]) -> str:
        """C text of a pointer to a buffer's element."""
        return f"&{self.element(buffer, indices)}"

    def place(self, buffer: Buffer, index: Expr) -> str:
        """C text of the arguments that name memory: the pointer that `buffer` lies at, and the element's byte."""
        size, pointer = buffer.dtype.bits // 8, self.names[buffer]
        first, rest = split_base(index)
        window = self.windows.get(first)
        if window and (self.names[window.buffer], window.buffer.dtype) == (pointer, buffer.dtype):
            pointer, index = self.names[window.pointer], rest
        byte = self.text(index) if size == 1 else f"{size} * {self._print(index).within(Level.ATOM)}"
        return f"{pointer}, {byte}"

    def _print(self, expr: Expr) -> Text:
        found = self.dialect.find(expr) if self.dialect else None
        if found:
            return self._form(*found)
        kind = type(expr).__name__
        if kind in BINARY:
            return self._binary(BINARY[kind], expr)
        text: Text = self._method("_print", expr)(expr)
        return text

    def _method(self, prefix: str, expr: Expr) -> Callable[[Expr], Any]:
        """The method that prints nodes of this kind; its name begins with the prefix."""
        method: Callable[[Expr], Any] | None = getattr(self, f"{prefix}_{type(expr).__name__.lower()}", None)
        if method is None:
            raise VerificationError(f"no C form for the TIR expression {expr}")
        return method

    def _form(self, form: Form, arguments: list[Expr]) -> Text:
        return Text(f"{form.name}({', '.join(map(self.text, arguments))})", Level.ATOM)

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
        return Text(f"{int(expr.value)}{suffix}", Level.ATOM if expr.value >= 0 else Level.LOOSE)

    def _print_cast(self, expr: Expr) -> Text:
        return Text(f"({c_type(expr.ty.dtype)}){self._print(expr.value).within(Level.ATOM)}", Level.ATOM)

    def _print_select(self, expr: Expr) -> Text:
        parts = (self._print(e).within(Level.COMPARISON) for e in (expr.condition, expr.true_value, expr.false_value))
        return Text("{} ? {} : {}".format(*parts), Level.LOOSE)

    def _print_min(self, expr: Expr) -> Text:
        return Text(f"edgeq_min({self.text(expr.a)}, {self.text(expr.b)})", Level.ATOM)

    def _print_max(self, expr: Expr) -> Text:
        return Text(f"edgeq_max({self.text(expr.a)}, {self.text(expr.b)})", Level.ATOM)

    def _print_lshift(self, expr: Expr) -> Text:
        """By way of unsigned: shifting a negative number left is undefined in C."""
        dtype = expr.ty.dtype
        value = Text(f"({c_type(f'u{dtype}')}){self._print(expr.a).within(Level.ATOM)}", Level.ATOM)
        return Text(f"({c_type(dtype)})({value.text} << {self._print(expr.b).within(Level.ATOM)})", Level.ATOM)

    def _print_tensorload(self, expr: Expr) -> Text:
        if expr.source in self.views:
            return self._copied(expr.source, expr.indices[0], expr.ty.dtype)
        return Text(self.element(expr.source, list(expr.indices)), Level.ATOM)

    def _print_call(self, expr: Expr) -> Text:
        """Of what no dialect writes, pointers have a C form, and neighbouring elements that are read as one number."""
        function, operand = expr.op.name, expr.args[0]
        if function == "tirx.buffer_data":
            return Text(self.names[operand], Level.ATOM)
        if function == "tirx.address_of":
            return Text(self.address(operand.source, list(operand.indices)), Level.ATOM)
        if function == "tirx.reinterpret" and type(operand).__name__ == "TensorLoad":
            return self._copied(operand.source, first_lane(operand.indices[0]), expr.ty.dtype)
        raise VerificationError(f"no C form for the TIR expression {expr}")

    def _copied(self, buffer: Buffer, index: Expr, dtype: object) -> Text:
        return Text(f"edgeq_load_{dtype}({self.place(buffer, index)})", Level.ATOM)


def c_type(dtype: object) -> str:
    """C name of a TIR type: `int32` is `int32_t`, `int32x4` is a type of the dialect's."""
    return f"edgeq_{dtype}" if "x" in str(dtype) else f"{dtype}_t"
