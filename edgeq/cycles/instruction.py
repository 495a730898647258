"""One line of a disassembly: which registers an instruction reads and writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_REGISTER = re.compile(r"\b(?:r\d+|sl|fp|ip|sp|lr|pc|[sdq]\d+)\b")
_BRANCH = re.compile(r"(?!bic|bfi|bfc|bkpt)(b\w*|cbn?z|tb[bh]|le|letp)")
_RANGE = re.compile(r"\br(\d+)-r(\d+)\b")
_NO_RESULT = re.compile(r"v?str.*|stm.*|push|vpush|cmp|cmn|tst|teq|nop|it.*|pld|dmb|dsb|isb|vmsr|vcmp.*")
_TWO_RESULTS = re.compile(r"ldrd|[us]ml[as]?l.*|[us]mull|umaal|vmlaldav.*|vmlaldava.*")
_REPLACES = re.compile(r"movs?|movw|mvns?|[su]xt[bh](16)?|clz|rbit|rev(16|sh)?|vmov|vdup")
_ACCUMULATES = re.compile(r"[us]mlal.*|umaal|vmla.*|vfma.*|bfi|movt")


@dataclass(frozen=True)
class Instruction:
    """An instruction of a firmware.

    Attributes:
        address: In bytes.
        size: In bytes.
        mnemonic: As GNU objdump prints it.
        operands: The rest, without comments.
    """

    address: int
    size: int
    mnemonic: str
    operands: str = ""

    @property
    def stem(self) -> str:
        """The mnemonic without the width of its encoding or of its elements."""
        return self.mnemonic.partition(".")[0]

    @property
    def is_branch(self) -> bool:
        """True if what follows may come from elsewhere: branches and calls, but no bit field instructions."""
        return _BRANCH.fullmatch(self.stem) is not None

    @cached_property
    def is_access(self) -> bool:
        """True if it reads or writes memory."""
        return "[" in self.operands or self.stem.startswith(("ldm", "stm", "push", "pop"))

    @cached_property
    def registers(self) -> tuple[str, ...]:
        """All that it names, in order; ranges as their members."""
        spread = _RANGE.sub(lambda m: ", ".join(f"r{i}" for i in range(int(m[1]), int(m[2]) + 1)), self.operands)
        return tuple(_REGISTER.findall(spread))

    @property
    def listed(self) -> int:
        """Registers in the braces of a list."""
        return len(self.registers) - len(_REGISTER.findall(self.operands.partition("{")[0]))

    @cached_property
    def address_registers(self) -> frozenset[str]:
        """Those that an address is made of."""
        inside = re.search(r"\[(.*?)\]", self.operands)
        return frozenset(_REGISTER.findall(inside[1])) if inside else frozenset()

    @cached_property
    def results(self) -> frozenset[str]:
        """Registers that it writes, a base that it advances not counted."""
        return frozenset(self.registers[self._written])

    @cached_property
    def reads(self) -> frozenset[str]:
        """Registers that it reads."""
        if "{" in self.operands and self.results:
            return frozenset(self.registers[: self._written.start])
        two_operands = not self.is_access and self.operands.count(",") < 2 and not _REPLACES.fullmatch(self.stem)
        if two_operands or _ACCUMULATES.fullmatch(self.stem):
            return frozenset(self.registers)
        return frozenset(self.registers[self._written.stop :])

    @property
    def _written(self) -> slice:
        """Which of `registers` it writes."""
        if self.is_branch or _NO_RESULT.fullmatch(self.stem):
            return slice(0, 0)
        if "{" in self.operands:
            return slice(len(self.registers) - self.listed, len(self.registers))
        return slice(0, 2 if _TWO_RESULTS.fullmatch(self.stem) else 1)
