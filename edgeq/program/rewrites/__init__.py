"""Rewrites of the integer program that make it cheaper and keep every byte of its results."""

from edgeq.program.rewrites.optimize import optimize
from edgeq.program.rewrites.share_memory import share_memory

__all__ = ["optimize", "share_memory"]
