"""The kernels of family `example`, in order of preference; everything else is left to the portable family."""

from __future__ import annotations

from edgeq.lower.rule import Rule
from edgeq_example.dense import dense_by_input

RULES = (Rule("dense", dense_by_input, activation_bits=frozenset({8}), weight_bits=frozenset({8})),)
