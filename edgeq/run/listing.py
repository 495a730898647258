"""The instructions of a linked firmware."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from edgeq.cycles.instruction import Instruction
from edgeq.run.toolchain import find_tool
from edgeq.targets.target import Target

_LINE = re.compile(r"\s*([0-9a-f]+):\t([0-9a-f ]+)\t(\S*)(?:\t([^;@<]*))?")


def disassemble(elf: Path, target: Target) -> list[Instruction]:
    """Every instruction, in order of address; constants between them are none.

    What GNU objdump does not know (2.40: CSEL and its kin) has no mnemonic.
    """
    objdump = str(find_tool(target.gcc)).removesuffix("gcc") + "objdump"
    listing = subprocess.run([objdump, "-d", str(elf)], capture_output=True, text=True, check=True).stdout
    found = (match.groups() for match in map(_LINE.match, listing.splitlines()) if match)
    return [
        Instruction(int(address, 16), len(code.replace(" ", "")) // 2, mnemonic, (operands or "").strip())
        for address, code, mnemonic, operands in found
        if not mnemonic.startswith(".")
    ]
