"""What a relocatable ELF file costs on the device: code, read-only data, stack."""

from __future__ import annotations

import io

from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from edgeq.errors import VerificationError

SHF_ALLOC = 2
STACK_POINTER = {"ARM": 13, "RISC-V": 2, "x64": 7}
"""DWARF numbers of the stack pointers."""


def code_bytes(elf: bytes) -> int:
    """Bytes of code and read-only data that the object adds to the flash."""
    sections = ELFFile(io.BytesIO(elf)).iter_sections()
    return sum(s["sh_size"] for s in sections if s["sh_flags"] & SHF_ALLOC)


def undefined_symbols(elf: bytes) -> set[str]:
    """Names that the object expects others to define."""
    symbols = symbol_table(ELFFile(io.BytesIO(elf))).iter_symbols()
    return {s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF" and s.name}


def symbol_table(file: ELFFile) -> SymbolTableSection:
    """The object's symbol table."""
    return next(s for s in file.iter_sections() if isinstance(s, SymbolTableSection))


def stack_bytes(elf: bytes, symbol: str) -> int:
    """Largest distance of the stack pointer from its value at entry, from the call frame information (.debug_frame).

    Raises:
        VerificationError: A frame of the function is not addressed from the stack pointer.
    """
    file = ELFFile(io.BytesIO(elf))
    function = next(s for s in symbol_table(file).iter_symbols() if s.name == symbol)
    entries = file.get_dwarf_info(relocate_dwarf_sections=False).CFI_entries()
    # Addresses are not relocated yet: the function's entry is known by its length.
    frame = next(e for e in entries if isinstance(e, FDE) and e["address_range"] == function["st_size"])
    bases = [row["cfa"] for row in frame.get_decoded().table]
    if any(base.reg != STACK_POINTER[file.get_machine_arch()] for base in bases):
        raise VerificationError(f"the stack pointer of {symbol} moves by an amount that is not constant")
    return max(base.offset for base in bases)
