"""Rewrites a relocatable ELF file with its code, read-only data and symbols only.

LLVM's objects come with debug sections, unwinding tables and two weak half-precision conversions of TVM's. A firmware
has no use for them, and no cross `objcopy` need be installed where edgeq runs. (System V gABI 4.1, chapter 4.)
"""

from __future__ import annotations

import io

from elftools.construct import Container
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, Symbol

from edgeq.lower.elf import SHF_ALLOC, symbol_table

FP16_SECTION = ".text.tvm.fp16.conv"
ATTRIBUTES = (".ARM.attributes", ".riscv.attributes")
"""ABI tags: sections without memory that linkers read."""
STACK_NOTE = ".note.GNU-stack"
"""On Linux: the stack need not be executable. In firmware, one object with it makes GNU ld warn of all that lack it."""


def strip(elf: bytes) -> bytes:
    """The object without debug information, unwinding tables and half-precision helpers."""
    source = ELFFile(io.BytesIO(elf))
    sections = list(source.iter_sections())
    content = [i for i, s in enumerate(sections) if _is_content(s)]
    relocations = {i: s for i, s in enumerate(sections) if isinstance(s, RelocationSection) and s["sh_info"] in content}
    index = {old: new for new, old in enumerate([*content, *relocations], start=1)}
    symbols = [(i, s) for i, s in enumerate(symbol_table(source).iter_symbols()) if _kept(s, index)]
    symbol_index = {old: new for new, (old, _) in enumerate(symbols)}

    writer = _Writer(source)
    for i in content:
        writer.add(sections[i].name, sections[i].header, sections[i].data())
    for section in relocations.values():
        header = _changed(section.header, sh_link=len(index) + 1, sh_info=index[section["sh_info"]])
        writer.add(section.name, header, _relocations(source, section, symbol_index))
    writer.add_symbols([s for _, s in symbols], index)
    return writer.finish()


def _is_content(section: Section) -> bool:
    loaded = section["sh_flags"] & SHF_ALLOC and section["sh_type"] != "SHT_ARM_EXIDX"
    unwinding = section.name == ".eh_frame"
    note = section.name == STACK_NOTE and section.elffile.get_machine_arch() == "x64"
    return (bool(loaded) and not unwinding and section.name != FP16_SECTION) or section.name in ATTRIBUTES or note


def _kept(symbol: Symbol, index: dict[int, int]) -> bool:
    return symbol["st_shndx"] in index or symbol["st_shndx"] == "SHN_UNDEF"


def _relocations(source: ELFFile, section: RelocationSection, symbol_index: dict[int, int]) -> bytes:
    """The section's entries with the new numbers of their symbols."""
    entry = source.structs.Elf_Rela if section.is_RELA() else source.structs.Elf_Rel
    type_bits = 8 if source.elfclass == 32 else 32
    built = []
    for relocation in section.iter_relocations():
        symbol = symbol_index[relocation["r_info_sym"]]
        built.append(entry.build(_changed(relocation.entry, r_info=symbol << type_bits | relocation["r_info_type"])))
    return b"".join(built)


def _changed(fields: Container, **values: object) -> Container:
    """A copy of an ELF structure with other values in some fields."""
    copy = fields.copy()
    copy.update(values)
    return copy


class _Writer:
    """Puts an ELF file together: header, sections one after the other, section headers."""

    def __init__(self, source: ELFFile) -> None:
        self.source = source
        self.body = b"\0" * source.header["e_ehsize"]
        self.names = b"\0"
        self.headers = [source.get_section(0).header]

    def add(self, name: str, header: Container, data: bytes) -> None:
        """Appends a section; `header` is taken over but for the name, place and size."""
        self._align(max(header["sh_addralign"], 1))
        name_at, offset = self._name(name), len(self.body)
        self.headers.append(_changed(header, sh_name=name_at, sh_offset=offset, sh_size=len(data)))
        self.body += data

    def add_symbols(self, symbols: list[Symbol], index: dict[int, int]) -> None:
        """Appends the symbol table; every name is written before the string table is."""
        entries = []
        for symbol in symbols:
            section = index.get(symbol["st_shndx"], symbol["st_shndx"])
            entry = _changed(symbol.entry, st_name=self._name(symbol.name), st_shndx=section)
            entries.append(self.source.structs.Elf_Sym.build(entry))
        header = symbol_table(self.source).header
        local = sum(s["st_info"]["bind"] == "STB_LOCAL" for s in symbols)
        self.add(".symtab", _changed(header, sh_link=len(self.headers) + 1, sh_info=local), b"".join(entries))

    def finish(self) -> bytes:
        """The file."""
        header = self.source.get_section(self.source.header["e_shstrndx"]).header
        self._name(".strtab")
        self.add(".strtab", header, self.names)
        self._align(8)
        table = b"".join(self.source.structs.Elf_Shdr.build(h) for h in self.headers)
        count, place = len(self.headers), len(self.body)
        header = _changed(self.source.header, e_shoff=place, e_shnum=count, e_shstrndx=count - 1)
        file_header = self.source.structs.Elf_Ehdr.build(header)
        return file_header + self.body[len(file_header) :] + table

    def _align(self, alignment: int) -> None:
        self.body += b"\0" * (-len(self.body) % alignment)

    def _name(self, name: str) -> int:
        """Offset of `name` in the string table."""
        if not name:
            return 0
        encoded = name.encode() + b"\0"
        at = self.names.find(b"\0" + encoded)
        if at >= 0:
            return at + 1
        self.names += encoded
        return len(self.names) - len(encoded)
