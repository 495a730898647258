"""Chooses a kernel for an operator: the target's own family first, then the portable one, which does everything."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from edgeq.errors import UnsupportedError
from edgeq.lower.c_dialect import has_dialect
from edgeq.targets.families import family_package

if TYPE_CHECKING:
    from edgeq.lower.rule import Rule
    from edgeq.program.ops import Op
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

FALLBACK = "portable"

PLAIN = (FALLBACK, "base")
"""Families whose kernels ask LLVM for no instruction: C needs no help to say them."""


def for_c(target: Target) -> Target:
    """The target with the kernels that C is printed from: its family's, if that says how they are written in C."""
    if target.family in PLAIN or has_dialect(target.family):
        return target
    return replace(target, family="dsp" if "dsp" in target.features else FALLBACK)


def rules(target: Target) -> tuple[Rule, ...]:
    """The kernels that `target` may use, the preferred ones first.

    A family is a package (`edgeq.targets.<family>`, or a plug-in's) whose module `rules` has a tuple RULES. It is
    imported by name: kernels are written against this package, so this package cannot import them while it loads.
    """
    packages = map(family_package, dict.fromkeys((target.family, FALLBACK)))
    return tuple(rule for package in packages for rule in import_module(f"{package}.rules").RULES)


def select(op: Op, program: Program, target: Target) -> Rule:
    """The first rule that applies.

    Raises:
        UnsupportedError: No kernel does this operator at these widths.
    """
    for rule in rules(target):
        if rule.applies(op, program, target):
            return rule
    bits = sorted({program.buffer[name].bits for name in op.reads + op.writes})
    raise UnsupportedError(
        f"no kernel for {op.kind} with {'/'.join(map(str, bits))}-bit buffers on {target.name}", node=op.name
    )
