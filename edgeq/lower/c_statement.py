"""Functions of lowered TIR as C99 text. The names of the kernel's own variables are kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from edgeq.errors import VerificationError
from edgeq.lower.c_expression import Window, c_type
from edgeq.lower.c_index import are_neighbours, bases, first_lane, is_scalar, is_word_in_parts, lanes
from edgeq.lower.c_vector import VectorPrinter

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr, PrimFunc, Stmt, Var

    from edgeq.lower.c_dialect import Dialect

INDENT = "    "


def print_function(func: PrimFunc, dialect: Dialect | None = None) -> str:
    """A C function definition of `func`'s global symbol.

    Args:
        dialect: How intrinsics are written, if the function's family has some.

    Raises:
        VerificationError: The function holds a node that has no C form.
    """
    return FunctionPrinter(func, dialect).definition()


class FunctionPrinter:
    """Prints one function; dialects of C override what they write differently."""

    def __init__(self, func: PrimFunc, dialect: Dialect | None = None) -> None:
        self.func = func
        self.dialect = dialect
        self.expressions = VectorPrinter(dialect)
        self.bases = bases(func.body) if dialect else {}
        statements = list(_flatten(func.body))
        self.declarations = [s for s in statements if type(s).__name__ == "DeclBuffer"]
        self.body = [s for s in statements if type(s).__name__ != "DeclBuffer"]

    def definition(self) -> str:
        """The text of the function."""
        parameters = [self._parameter(p) for p in self.func.params]
        head = f"void {self.func.attrs['global_symbol']}({', '.join(parameters)})"
        bytewise = [self._bytes(pointer) for pointer in self.func.params]
        return "\n".join([head, "{", *chain(*bytewise), *self._sequence(self.body, 1), "}"]) + "\n"

    def _parameter(self, pointer: Var) -> str:
        """The parameter has the name and type of the first buffer that lies at it."""
        buffer, *views = self._lying_at(pointer)
        restrict = "restrict " if self.func.attrs.get("tirx.noalias", False) else ""
        name = self._name(buffer)
        self.expressions.names |= dict.fromkeys((pointer, *views), name)
        self.expressions.views |= {view: buffer for view in views if view.dtype != buffer.dtype}
        return f"{self._const(pointer)}{c_type(buffer.dtype)} *{restrict}{name}"

    def _bytes(self, pointer: Var) -> list[str]:
        """Declarations of views of bytes: such pointers may point to what has any type."""
        lines = []
        for view in self._lying_at(pointer):
            if view in self.expressions.views and view.dtype == "int8":
                del self.expressions.views[view]
                whole, kind = self.expressions.names[pointer], f"{self._const(pointer)}int8_t *"
                lines.append(f"{INDENT}{kind}{self._name(view)} = ({kind}){whole};")
        return lines

    def _lying_at(self, pointer: Var) -> list[Buffer]:
        return [d.buffer for d in self.declarations if d.data.same_as(pointer)]

    def _const(self, pointer: Var) -> str:
        return "" if any(map(self._is_written, self._lying_at(pointer))) else "const "

    def _is_written(self, buffer: Buffer) -> bool:
        return any(written.same_as(buffer) for written in _written(self.body))

    def _name(self, variable: Var) -> str:
        """A name for a new variable that none in scope has."""
        taken = set(self.expressions.names.values())
        name, number = variable.name, 1
        while name in taken:
            name, number = f"{variable.name}_{number}", number + 1
        self.expressions.names[variable] = name
        return name

    def _block(self, body: Stmt, depth: int) -> list[str]:
        """The statements of a block; the names that it declares end with it."""
        outer = dict(self.expressions.names)
        lines = self._sequence(list(_flatten(body)), depth)
        self.expressions.names = outer
        return lines

    def _sequence(self, statements: list[Stmt], depth: int) -> list[str]:
        """Statements; behind two that load neighbouring words a hint to load them by one instruction."""
        lines: list[str] = []
        single: Stmt | None = None
        for statement in statements:
            lines += self._statement(statement, depth)
            if self.dialect and single is not None and are_neighbours(single, statement):
                pair = ", ".join(self.expressions.names[s.var] for s in (single, statement))
                lines.append(f"{INDENT * depth}edgeq_pair({pair});")
                single = None
            else:
                single = statement
        return lines

    def _statement(self, statement: Stmt, depth: int) -> list[str]:
        kind = type(statement).__name__
        method = getattr(self, f"_print_{kind.lower()}", None)
        if method is None:
            raise VerificationError(f"no C form for the TIR statement {kind}")
        lines: list[str] = method(statement, depth)
        return lines

    def _print_allocbuffer(self, statement: Stmt, depth: int) -> list[str]:
        buffer = statement.buffer
        size = "" if is_scalar(buffer) else f"[{buffer.shape[0]}]"
        return [f"{INDENT * depth}{c_type(buffer.dtype)} {self._name(buffer)}{size};"]

    def _print_bind(self, statement: Stmt, depth: int) -> list[str]:
        index = self.dialect.opaque_index(statement.value) if self.dialect else None
        base = self.bases.get(statement.var) if index is not None else None
        lines = [] if base is None else self._window(statement.var, index, depth)
        if base is None or not base.only:
            value = self.expressions.text(statement.value)
            dtype = c_type(statement.var.ty.dtype)
            lines.append(f"{INDENT * depth}const {dtype} {self._name(statement.var)} = {value};")
        return lines

    def _window(self, variable: Var, index: Expr, depth: int) -> list[str]:
        """An opaque index as the pointer to where it leads: compilers compute with indices, but not with pointers."""
        view = self.bases[variable].buffer
        buffer = self.expressions.views.get(view, view)
        start = self.expressions.element(buffer, [index * (view.dtype.bits // buffer.dtype.bits)])
        pointer = type(variable)(variable.name, variable.ty)
        name = self._name(pointer)
        self.expressions.windows[variable] = Window(view, pointer)
        const = "" if self._is_written(buffer) else "const "
        declared = f"{const}{c_type(buffer.dtype)} *{name} = &{start};"
        return [f"{INDENT * depth}{declared}", f"{INDENT * depth}edgeq_hide({name});"]

    def _print_evaluate(self, statement: Stmt, depth: int) -> list[str]:
        lines = [f"{INDENT * depth}{self.expressions.text(statement.value)};"]
        if self.dialect and self.dialect.is_boundary(statement.value):
            names, windows = self.expressions.names, self.expressions.windows.values()
            pointers = [names[window.pointer] for window in windows if window.pointer in names]
            lines += [f"{INDENT * depth}edgeq_hide({pointer});" for pointer in pointers]
        return lines

    def _print_bufferstore(self, statement: Stmt, depth: int) -> list[str]:
        if is_word_in_parts(statement):
            place = self.expressions.place(statement.buffer, first_lane(statement.indices[0]))
            value = self.expressions.text(statement.value.args[0])
            return [f"{INDENT * depth}edgeq_store_int32({place}, {value});"]
        if lanes(statement.indices[0]) > 1:
            stored = self.expressions.store(statement.buffer, statement.indices[0], statement.value)
            return [f"{INDENT * depth}{stored};"]
        if statement.buffer in self.expressions.views:
            place = self.expressions.place(statement.buffer, statement.indices[0])
            value = self.expressions.text(statement.value)
            return [f"{INDENT * depth}edgeq_store_{statement.buffer.dtype}({place}, {value});"]
        element = self.expressions.element(statement.buffer, list(statement.indices))
        return [f"{INDENT * depth}{element} = {self.expressions.text(statement.value)};"]

    def _print_for(self, statement: Stmt, depth: int) -> list[str]:
        start, stop = statement.min, statement.min + statement.extent
        first, end = self.expressions.text(start), self.expressions.text(stop)
        outer = dict(self.expressions.names)
        variable = self._name(statement.loop_var)
        dtype = c_type(statement.loop_var.ty.dtype)
        head = f"{INDENT * depth}for ({dtype} {variable} = {first}; {variable} < {end}; ++{variable}) {{"
        lines = [head, *self._block(statement.body, depth + 1), f"{INDENT * depth}}}"]
        self.expressions.names = outer
        return lines

    def _print_ifthenelse(self, statement: Stmt, depth: int) -> list[str]:
        lines = [f"{INDENT * depth}if ({self.expressions.text(statement.condition)}) {{"]
        lines += self._block(statement.then_case, depth + 1)
        if statement.else_case is not None:
            lines += [f"{INDENT * depth}}} else {{", *self._block(statement.else_case, depth + 1)]
        return [*lines, f"{INDENT * depth}}}"]


def _flatten(statement: Stmt) -> Iterator[Stmt]:
    """Statements of a sequence, nested sequences opened."""
    if type(statement).__name__ == "SeqStmt":
        for part in statement.seq:
            yield from _flatten(part)
    else:
        yield statement


def _written(statements: list[Stmt]) -> Iterator[Buffer]:
    """What the statements, and those below them, store to: elements, or what a call without a result is given."""
    for statement in statements:
        if type(statement).__name__ == "BufferStore":
            yield statement.buffer
        if type(statement).__name__ == "Evaluate":
            calls = [arg for arg in statement.value.args if type(arg).__name__ == "Call"]
            yield from (call.args[0].source for call in calls if call.op.name == "tirx.address_of")
        for field in ("body", "then_case", "else_case"):
            inner = getattr(statement, field, None)
            if inner is not None:
                yield from _written(list(_flatten(inner)))
