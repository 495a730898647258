"""The stack that a compiled function takes, from its call frame information (.debug_frame) and its code."""

from __future__ import annotations

import io
import re
from typing import Any

from elftools.dwarf.callframe import FDE
from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol

from edgeq.errors import VerificationError
from edgeq.lower.elf import symbol_table

STACK_POINTER = {"ARM": 13, "RISC-V": 2, "x64": 7, "AArch64": 31}
"""DWARF numbers of the stack pointers."""

VLENB = 7202
"""DWARF number of RISC-V's register that holds the bytes of a vector register."""

VECTOR_BYTES = 16
"""Of a vector register whose width only the processor knows: the least that the V extension allows."""

WORD = 8
"""Bytes of a register of x86-64."""

_REALIGNED = re.compile(
    rb"\x48\x83\xe4(?P<mask>.)(?:\x48\x83\xec(?P<byte>.)|\x48\x81\xec(?P<word>.{4}))",  # and rsp, mask; sub rsp, ...
    re.DOTALL,
)


def stack_bytes(elf: bytes, symbol: str) -> int:
    """Largest distance of the stack pointer from its value at entry; on RISC-V with vectors of `VECTOR_BYTES` bytes.

    Raises:
        VerificationError: It moves by an amount that is not constant.
    """
    file = ELFFile(io.BytesIO(elf))
    function = next(s for s in symbol_table(file).iter_symbols() if s.name == symbol)
    dwarf, pointer = file.get_dwarf_info(relocate_dwarf_sections=False), STACK_POINTER[file.get_machine_arch()]
    # Addresses are not relocated yet: the function's entry is known by its length.
    frame = next(e for e in dwarf.CFI_entries() if isinstance(e, FDE) and e["address_range"] == function["st_size"])
    rows = frame.get_decoded().table
    parser = DWARFExprParser(dwarf.structs)
    distances = [_distance(row["cfa"], parser, pointer) for row in rows]
    if None not in distances:
        return max(distance for distance in distances if distance is not None)
    realigned = _REALIGNED.search(_code(file, function)) if file.get_machine_arch() == "x64" else None
    if realigned is None:
        raise VerificationError(f"the stack pointer of {symbol} moves by an amount that is not constant")
    saved = {register for row in rows for register in row if isinstance(register, int)}
    return WORD * (1 + len(saved)) + _realigned_bytes(realigned)


def _distance(base: Any, parser: DWARFExprParser, pointer: int) -> int | None:
    """Of the frame's base from the stack pointer; None where it is addressed from another register."""
    if base.expr is not None:
        return _value(parser.parse_expr(base.expr), pointer)
    return int(base.offset) if base.reg == pointer else None


def _value(operations: Any, pointer: int) -> int | None:
    """What a DWARF expression gives, the stack pointer taken as 0; None for operations that frames do not need."""
    stack: list[int] = []
    for operation in operations:
        match operation.op_name, operation.args:
            case name, [offset] if name == f"DW_OP_breg{pointer}":
                stack.append(offset)
            case "DW_OP_consts", [value]:
                stack.append(value)
            case "DW_OP_bregx", [register, offset] if register == VLENB:
                stack.append(VECTOR_BYTES + offset)
            case "DW_OP_plus", _:
                stack.append(stack.pop() + stack.pop())
            case "DW_OP_mul", _:
                stack.append(stack.pop() * stack.pop())
            case _:
                return None
    return stack.pop()


def _code(file: ELFFile, function: Symbol) -> bytes:
    """The machine code of a function."""
    start, data = function["st_value"], file.get_section(function["st_shndx"]).data()
    return bytes(data[start : start + function["st_size"]])


def _realigned_bytes(found: re.Match[bytes]) -> int:
    """What moving the stack pointer to a vector's alignment, and then down, takes at most."""
    moved = found["byte"] or found["word"]
    return -int.from_bytes(found["mask"], "little", signed=True) + int.from_bytes(moved, "little", signed=True)
