"""Instructions that LLVM is made to emit as they are, with the result in the register of an operand.

To LLVM, SMLAD writes any register: along a chain of them it gives each sum another one, and runs out of them. Tied to
its operand, a sum keeps one register from the first product to the last.

Places are addresses of words as numbers. LLVM computes an element's address from a pointer and an index anew where it
likes; a place that moves ahead is one register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

if TYPE_CHECKING:
    from tvm.tirx import Expr, PrimFunc, Var

SMLAD = {"edgeq_smlad_any": "rr", "edgeq_smlad_high": "hl", "edgeq_smlad_low": "ll"}
"""Names of SMLAD with its sum in the register of an operand, and registers for the sum and for the others: any, those
that 16-bit instructions reach (low), and those that they do not."""

SELECTED = "edgeq_selected_"

DIFFERENCES = ("ssub8", "ssub16")
"""Of the Arm DSP extension: they note for each lane whether it is negative, and SEL chooses lanes by that."""

OPAQUE = "edgeq_opaque"

NOTHING = f"""\
define internal i32 @{OPAQUE}(i32 %value) alwaysinline nounwind memory(none) {{
  %same = tail call i32 asm "", "=r,0"(i32 %value)
  ret i32 %same
}}
"""

FUNCTION = """\
define internal i32 @{name}(i32 %a, i32 %b, i32 %acc) alwaysinline nounwind memory(none) {{
  %sum = tail call i32 asm "smlad $0, $1, $2, $0", "={of_sum},{of_others},{of_others},0"(i32 %a, i32 %b, i32 %acc)
  ret i32 %sum
}}
"""

SXTB16 = """\
define internal i32 @edgeq_sxtb16_in_place(i32 %word) alwaysinline nounwind memory(none) {
  %halves = tail call i32 asm "sxtb16 $0, $0", "=l,0"(i32 %word)
  ret i32 %halves
}
"""

PLACES = """\
define internal i32 @edgeq_place(ptr %base, i32 %index) alwaysinline nounwind {
  %pointer = getelementptr i32, ptr %base, i32 %index
  %address = ptrtoint ptr %pointer to i32
  %place = tail call i32 asm sideeffect "", "=r,0"(i32 %address)
  ret i32 %place
}
define internal i32 @edgeq_ahead(i32 %place, i32 %words) alwaysinline nounwind memory(none) {
  %bytes = shl i32 %words, 2
  %address = add i32 %place, %bytes
  %moved = tail call i32 asm "", "=r,0"(i32 %address)
  ret i32 %moved
}
define internal i32 @edgeq_word_at(ptr %base, i32 %place, i32 %words) alwaysinline nounwind memory(read) {
  %bytes = shl i32 %words, 2
  %address = add i32 %place, %bytes
  %pointer = inttoptr i32 %address to ptr
  %word = load i32, ptr %pointer, align 4
  ret i32 %word
}
define internal void @edgeq_store_at(ptr %base, i32 %place, i32 %words, i32 %word) alwaysinline nounwind {
  %bytes = shl i32 %words, 2
  %address = add i32 %place, %bytes
  %pointer = inttoptr i32 %address to ptr
  store i32 %word, ptr %pointer, align 4
  ret void
}
define internal i32 @edgeq_store_four(ptr %base, i32 %place, i32 %a, i32 %b, i32 %c, i32 %d) alwaysinline nounwind {
  %end = tail call i32 asm sideeffect "stm $0!, {r4, r5, r6, r7}", "=r,0,{r4},{r5},{r6},{r7},~{memory}"(
    i32 %place, i32 %a, i32 %b, i32 %c, i32 %d)
  ret i32 %end
}
"""

FOURS = {"edgeq_load_four": (0, 1, 2, 3), "edgeq_load_four_more": (4, 5, 6, 7)}
"""Names of LDM, and the registers that it loads."""

LOAD_FOUR = """\
define internal i32 @{name}(ptr %base, i32 %place, ptr %to) alwaysinline nounwind {{
  %all = tail call {{i32, i32, i32, i32, i32}} asm sideeffect "ldm $0!, {{{registers}}}", "=r,{results},0"(i32 %place)
{stores}  %end = extractvalue {{i32, i32, i32, i32, i32}} %all, 0
  ret i32 %end
}}
"""

KEEP = """\
  %word{i} = extractvalue {{i32, i32, i32, i32, i32}} %all, {place}
  %to{i} = getelementptr i32, ptr %to, i32 {i}
  store i32 %word{i}, ptr %to{i}, align 4
"""

SELECTION = """\
define internal i32 @{name}(i32 %a, i32 %b) alwaysinline nounwind memory(none) {{
  %larger = tail call i32 asm "{mnemonic} $0, $1, $2\\0A\\09sel $0, $1, $2", "=&r,r,r"(i32 %a, i32 %b)
  ret i32 %larger
}}
"""


def selected(mnemonic: str, a: Expr, b: Expr) -> Expr:
    """The larger one of each lane of int32 words: `mnemonic` subtracts lanes, SEL takes those of a where that gave none
    below zero.

    One piece of assembly, since nothing may come between the two: the flags that one sets for the other are no value.
    """
    return T.call_pure_extern("int32", SELECTED + mnemonic, a, b)


def smlad_in_place(a: Expr, b: Expr, acc: Expr) -> Expr:
    """`smlad` with the result in the register of `acc`: for sums that live through many products."""
    return T.call_pure_extern("int32", "edgeq_smlad_any", a, b, acc)


def smlad_high(a: Expr, b: Expr, acc: Expr) -> Expr:
    """The same with `acc` in one of r8 to r12 and lr, and the others in r0 to r7."""
    return T.call_pure_extern("int32", "edgeq_smlad_high", a, b, acc)


def smlad_low(a: Expr, b: Expr, acc: Expr) -> Expr:
    """The same with all in r0 to r7."""
    return T.call_pure_extern("int32", "edgeq_smlad_low", a, b, acc)


def sxtb16_in_place(word: Expr) -> Expr:
    """`sxtb16` with the result in the register of `word`, one of r0 to r7."""
    return T.call_pure_extern("int32", "edgeq_sxtb16_in_place", word)


def place(base: Var, index: Expr) -> Expr:
    """Where word `index` of the memory at `base` lies: an int32 that only `ahead`, `word_at` and stores understand."""
    return T.call_extern("int32", "edgeq_place", base, index)


def ahead(start: Expr, words: Expr | int) -> Expr:
    """The place `words` words behind another."""
    return T.call_pure_extern("int32", "edgeq_ahead", start, words)


def word_at(base: Var, start: Expr, words: Expr | int) -> Expr:
    """The int32 `words` words behind a place in the memory at `base`."""
    return T.call_extern("int32", "edgeq_word_at", base, start, words)


def store_at(base: Var, start: Expr, words: Expr | int, word: Expr) -> Expr:
    """Stores an int32 `words` words behind a place in the memory at `base`."""
    return T.call_extern("void", "edgeq_store_at", base, start, words, word)


def load_four(base: Var, start: Expr, to: Var) -> Expr:
    """Loads four int32 from a place in the memory at `base` by one LDM, and gives the place behind them.

    Args:
        to: Of a local buffer of four elements, which become r0 to r3.
    """
    return T.call_extern("int32", "edgeq_load_four", base, start, to)


def load_four_more(base: Var, start: Expr, to: Var) -> Expr:
    """The same in r4 to r7."""
    return T.call_extern("int32", "edgeq_load_four_more", base, start, to)


def store_four(base: Var, start: Expr, a: Expr, b: Expr, c: Expr, d: Expr) -> Expr:
    """Stores four int32 at a place in the memory at `base` by one STM, and gives the place behind them."""
    return T.call_extern("int32", "edgeq_store_four", base, start, a, b, c, d)


def opaque(value: Expr) -> Expr:
    """int32 `value` as the result of something that LLVM knows nothing of, which costs no instruction.

    As an index, it keeps loads at small offsets from it, where LDRD reaches them; known ones are folded into pointers
    that suit the loop around.
    """
    return T.call_pure_extern("int32", OPAQUE, value)


def with_assembly(func: PrimFunc) -> PrimFunc:
    """The function with LLVM's definitions of what it may ask for of the above; what it does not use vanishes."""
    from tvm import ir, tirx

    tied = (FUNCTION.format(name=name, of_sum=r[0], of_others=r[1]) for name, r in SMLAD.items())
    chosen = (SELECTION.format(name=SELECTED + name, mnemonic=name) for name in DIFFERENCES)
    text = NOTHING + SXTB16 + PLACES + "".join((*tied, *chosen, *map(_load_four, FOURS)))
    return func.with_body(tirx.AttrStmt(tirx.IntImm("int32", 0), "pragma_import_llvm", ir.StringImm(text), func.body))


def _load_four(name: str) -> str:
    registers = [f"r{i}" for i in FOURS[name]]
    results = ",".join(f"={{{register}}}" for register in registers)
    stores = "".join(KEEP.format(i=i, place=i + 1) for i in range(len(registers)))
    return LOAD_FOUR.format(name=name, registers=", ".join(registers), results=results, stores=stores)
