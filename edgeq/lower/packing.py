"""Packs int4 activations two to a byte, where every kernel that touches them can."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeq.lower.select import rules

if TYPE_CHECKING:
    from edgeq.program.ops import Op
    from edgeq.program.program import Program
    from edgeq.targets.target import Target


def pack_activations(program: Program, target: Target) -> Program:
    """The program with as many packed buffers as the target has kernels for: not ports, nor parts of other buffers.

    A kernel may do an operator only as long as its other operands are packed, too, or not: so buffers are unpacked
    until all kernels are found.
    """
    ports = {port.buffer for port in program.inputs + program.outputs}
    shared = {b.base for b in program.buffers} | {b.name for b in program.buffers if b.base}
    packed = {b.name for b in program.buffers if b.bits == 4 and b.data is None} - ports - shared
    while packed:
        tried = _with_packed(program, packed)
        without = {name for op in tried.ops if not _has_kernel(op, tried, target) for name in op.reads + op.writes}
        if not packed & without:
            return tried
        packed -= without
    return program


def _with_packed(program: Program, names: Collection[str]) -> Program:
    buffers = tuple(replace(b, packed=True) if b.name in names else b for b in program.buffers)
    return replace(program, buffers=buffers)


def _has_kernel(op: Op, program: Program, target: Target) -> bool:
    return any(rule.applies(op, program, target) for rule in rules(target))
