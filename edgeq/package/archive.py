"""A static library written byte by byte: the GNU variant of the System V `ar` format, with its symbol index.

Every date, owner and mode is fixed, so equal objects make equal archives (what `ar rcsD` does).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_SHORT_NAME = 15


@dataclass(frozen=True)
class Member:
    """One object file of an archive.

    Attributes:
        name: File name, such as `resnet_k0.o`.
        data: The object file.
        symbols: Global symbols that it defines, for the linker's index.
    """

    name: str
    data: bytes
    symbols: tuple[str, ...]


def archive(members: Sequence[Member]) -> bytes:
    """The archive of `members`, in their order."""
    names = [m.name.encode("ascii") + b"/" for m in members]
    long_names, fields = _name_fields(names)
    name_table = _member(b"//", long_names, stamp=False) if long_names else b""
    bodies = [_member(field, m.data) for field, m in zip(fields, members, strict=True)]

    symbols = [(symbol, i) for i, m in enumerate(members) for symbol in m.symbols]
    start = len(_MAGIC) + _HEADER_BYTES + _index_bytes(symbols) + len(name_table)
    offsets = [start]
    for body in bodies:
        offsets.append(offsets[-1] + len(body))
    return _MAGIC + _index(symbols, offsets) + name_table + b"".join(bodies)


def _name_fields(names: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The table of long names, and what each member's header says: its name, or `/offset` into that table."""
    table = b""
    fields = []
    for name in names:
        if len(name) <= _SHORT_NAME + 1:
            fields.append(name)
        else:
            fields.append(b"/%d" % len(table))
            table += name + b"\n"
    return table + b"\n" * (len(table) % 2), fields


def _index_bytes(symbols: Sequence[tuple[str, int]]) -> int:
    """Length of the index: count, offsets, names with a terminating zero each, padded to an even length."""
    size = 4 + 4 * len(symbols) + sum(len(symbol) + 1 for symbol, _ in symbols)
    return size + size % 2


def _index(symbols: Sequence[tuple[str, int]], offsets: Sequence[int]) -> bytes:
    """The member `/`: for each symbol, where the header of its object lies."""
    count = len(symbols)
    data = struct.pack(f">I{count}I", count, *(offsets[i] for _, i in symbols))
    data += b"".join(symbol.encode("ascii") + b"\0" for symbol, _ in symbols)
    return _member(b"/", data.ljust(_index_bytes(symbols), b"\0"), mode=b"0")


def _member(name: bytes, data: bytes, mode: bytes = b"644", stamp: bool = True) -> bytes:
    """Header and data of one member, padded to an even length; `//` has no date, owner and mode."""
    date, owner, mode = (b"0", b"0", mode) if stamp else (b"", b"", b"")
    header = b"%-16s%-12s%-6s%-6s%-8s%-10d`\n" % (name, date, owner, owner, mode, len(data))
    return header + data + b"\n" * (len(data) % 2)
