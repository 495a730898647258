"""What a relocatable ELF file costs on the device: code and read-only data."""

from __future__ import annotations

import io

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

SHF_ALLOC = 2


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
