"""This family has no kernels over whole tensors: its stages work on rows; all others are the portable family's."""

from __future__ import annotations

from edgeq.lower.rule import Rule

RULES: tuple[Rule, ...] = ()
