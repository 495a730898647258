"""How C writes what the kernels of a family ask of LLVM: a table of TIR patterns, each a macro or function of C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeq.lower.c_match import Pattern, root
from edgeq.targets.families import family_package

if TYPE_CHECKING:
    from tvm.tirx import Expr


@dataclass(frozen=True)
class Form:
    """A function that writes TIR, and its C. It has none where a whole header is written by hand.

    Attributes:
        function: What it could have written is printed as a call of `name` with the same arguments.
        types: Of its parameters, where they are not all int32.
        portable: C expression of the same integers in terms of the parameters, int32_t each.
        acle: The same for compilers that know the instruction set, where the ACLE (Arm C Language Extensions) has an
            intrinsic.
        gnu: The same for GCC and clang, where the macro of GCC's own header does not compile without a warning.
        asm: The instruction for GCC, %0 its result, where the ACLE has none and GCC does not make it of `portable`.
        macro: Instead of all these, for what takes a pointer: an expression in terms of the parameters in parentheses.
        hint: For what computes nothing, instead of all these: operands of the empty assembler statement that tells
            compilers the same.
    """

    function: Callable[..., Expr]
    portable: str = ""
    types: tuple[str, ...] = ()
    acle: str = ""
    gnu: str = ""
    asm: str = ""
    macro: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        """Of the C macro or function."""
        return f"edgeq_{self.function.__name__}"

    @cached_property
    def pattern(self) -> Pattern:
        """What the function writes."""
        return Pattern(self.function, self.types)


@dataclass(frozen=True)
class Dialect:
    """The C of a family of kernels.

    Attributes:
        header: Name of the file that defines the forms, less `.h`.
        forms: The more special ones first.
        pointers: Write indices, into one buffer, that compilers are not to compute with: C has pointers instead.
        order: Writes a boundary to what compilers may move; behind it they know nothing of such pointers any more.
        title: What the header is, for its first line.
        condition: For the preprocessor: true where `include` has the intrinsics. Empty: the header, which lies among
            the templates, is written by hand.
        include: The compiler's header.
    """

    header: str
    forms: tuple[Form, ...]
    pointers: tuple[Callable[[Expr], Expr], ...]
    order: Callable[[], Expr] | None = None
    title: str = ""
    condition: str = ""
    include: str = ""

    def find(self, expr: Expr) -> tuple[Form, list[Expr]] | None:
        """The first form that `expr` is, and its arguments."""
        for form in self._by_root.get(root(expr), ()):
            arguments = form.pattern.match(expr)
            if arguments is not None:
                return form, arguments
        return None

    def opaque_index(self, expr: Expr) -> Expr | None:
        """What one of `pointers` was given, if `expr` is what it writes."""
        found = self.find(expr)
        return found[1][0] if found and found[0].function in self.pointers else None

    def is_boundary(self, expr: Expr) -> bool:
        """True for what `order` writes."""
        found = self.find(expr)
        return found is not None and found[0].function is self.order

    @cached_property
    def _by_root(self) -> dict[tuple[str, int | str], list[Form]]:
        table: dict[tuple[str, int | str], list[Form]] = {}
        for form in self.forms:
            table.setdefault(form.pattern.root, []).append(form)
        return table


def has_dialect(family: str) -> bool:
    """True if C can be printed from the kernels of a family: its package has a module `c_forms`."""
    return find_spec(f"{family_package(family)}.c_forms") is not None


def dialect_of(family: str) -> Dialect | None:
    """What a family's module `c_forms` has as DIALECT; None if there is no such module."""
    if not has_dialect(family):
        return None
    dialect: Dialect = import_module(f"{family_package(family)}.c_forms").DIALECT
    return dialect
