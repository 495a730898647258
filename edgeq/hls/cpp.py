"""TIR functions as HLS C++: marked loops become pragmas, parameters arrays of a known size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.lower.c_expression import c_type
from edgeq.lower.c_statement import FunctionPrinter
from edgeq.lower.lowered import Kernel
from edgeq.lower.tir_pipeline import lower_tir

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc, Stmt, Var


def print_cpp(symbol: str, func: PrimFunc, element_types: dict[str, str]) -> str:
    """A static function.

    Args:
        symbol: Its name.
        element_types: C++ type of the elements of a parameter, by its name, where it is not that of TIR.

    Raises:
        VerificationError: The function holds a node that has no C form.
    """
    from tvm.target import Target as TvmTarget

    module = lower_tir([Kernel(symbol, "hls", func)], TvmTarget("c"))
    (lowered,) = module.functions.values()
    return CppPrinter(lowered, element_types).definition()


class CppPrinter(FunctionPrinter):
    """Prints one function."""

    def __init__(self, func: PrimFunc, element_types: dict[str, str]) -> None:
        super().__init__(func)
        self.element_types = element_types

    def definition(self) -> str:
        head, _, body = super().definition().partition("{\n")
        return f"static {head}{{\n#pragma HLS INLINE\n{body}"

    def _parameter(self, parameter: Var) -> str:
        declared = [d.buffer for d in self.declarations if d.data.same_as(parameter)]
        if not declared:
            return f"{c_type(parameter.ty.dtype)} {self._name(parameter)}"
        (buffer,) = declared
        name = self._name(buffer)
        element = self.element_types.get(name, c_type(buffer.dtype))
        return f"{'' if self._is_written(buffer) else 'const '}{element} {name}[{buffer.shape[0]}]"

    def _print_for(self, statement: Stmt, depth: int) -> list[str]:
        from tvm.tirx import ForKind

        lines = super()._print_for(statement, depth)
        if statement.kind == ForKind.UNROLLED:
            lines.insert(1, "#pragma HLS UNROLL")
        elif "pipeline" in statement.annotations:
            lines.insert(1, "#pragma HLS PIPELINE II=1")
        return lines

    def _print_allocbuffer(self, statement: Stmt, depth: int) -> list[str]:
        """Local arrays are registers; the compiler of a simulation wants them to have a value."""
        (declaration,) = super()._print_allocbuffer(statement, depth)
        name = self.expressions.names[statement.buffer]
        start = " = { 0 };" if declaration.endswith("];") else " = 0;"
        return [declaration[:-1] + start, f"#pragma HLS ARRAY_PARTITION variable={name} complete"]
