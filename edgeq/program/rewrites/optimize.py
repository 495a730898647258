"""The rewrites of an integer program, in order, until none finds anything to do."""

from __future__ import annotations

from edgeq.program.program import Program
from edgeq.program.rewrites.dead_ops import remove_dead_ops
from edgeq.program.rewrites.identity_copies import remove_identity_copies
from edgeq.program.rewrites.order_ops import order_ops
from edgeq.program.rewrites.remove_channels import remove_channels
from edgeq.program.verifier import verify_program

REWRITES = (remove_identity_copies, remove_dead_ops, remove_channels, order_ops)


def optimize(program: Program) -> Program:
    """A cheaper program with the same inputs, outputs and results, byte for byte. Idempotent.

    Buffers keep their names, but not all of their channels: what a buffer holds is no longer what `Built.tensors` says
    of the program as built.

    Raises:
        VerificationError: A rewrite has broken the program.
    """
    before = None
    while program is not before:
        before = program
        for rewrite in REWRITES:
            program = rewrite(program)
    verify_program(program)
    return program
