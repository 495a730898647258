"""Instructions that LLVM is made to emit as they are, with the result in the register of an operand.

To LLVM, SMLAD writes any register: along a chain of them it gives each sum another one, and runs out of them. Tied to
its operand, a sum keeps one register from the first product to the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

if TYPE_CHECKING:
    from tvm.tirx import Expr, PrimFunc

PREFIX = "edgeq_tied_"

MNEMONICS = ("smlad",)
"""Of the Arm DSP extension."""

OPAQUE = "edgeq_opaque"

NOTHING = f"""\
define internal i32 @{OPAQUE}(i32 %value) alwaysinline nounwind memory(none) {{
  %same = tail call i32 asm "", "=r,0"(i32 %value)
  ret i32 %same
}}
"""

FUNCTION = """\
define internal i32 @{name}(i32 %a, i32 %b, i32 %acc) alwaysinline nounwind memory(none) {{
  %sum = tail call i32 asm "{mnemonic} $0, $1, $2, $0", "=r,r,r,0"(i32 %a, i32 %b, i32 %acc)
  ret i32 %sum
}}
"""


def tied(mnemonic: str, a: Expr, b: Expr, acc: Expr) -> Expr:
    """The instruction `mnemonic acc, a, b, acc` on int32 values."""
    return T.call_pure_extern("int32", PREFIX + mnemonic, a, b, acc)


def opaque(value: Expr) -> Expr:
    """int32 `value` as the result of something that LLVM knows nothing of, which costs no instruction.

    As an index, it keeps loads at small offsets from it, where LDRD reaches them; known ones are folded into pointers
    that suit the loop around.
    """
    return T.call_pure_extern("int32", OPAQUE, value)


def with_assembly(func: PrimFunc) -> PrimFunc:
    """The function with LLVM's definitions of what it may ask for of the above; what it does not use vanishes."""
    from tvm import ir, tirx

    text = NOTHING + "".join(FUNCTION.format(name=PREFIX + name, mnemonic=name) for name in MNEMONICS)
    return func.with_body(tirx.AttrStmt(tirx.IntImm("int32", 0), "pragma_import_llvm", ir.StringImm(text), func.body))
