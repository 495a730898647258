"""Targets with and without the instructions that kernels ask about."""

from __future__ import annotations

from edgeq.targets.target import Target

FULL = Target("full", "", "portable", "x86_64-linux-gnu", "x86-64", features=frozenset({"long-multiply", "divide"}))
BARE = Target("bare", "", "portable", "x86_64-linux-gnu", "x86-64")
