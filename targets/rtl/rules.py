"""This family has no kernels: its engines are SystemVerilog."""

from __future__ import annotations

from edgeq.lower.rule import Rule

RULES: tuple[Rule, ...] = ()
