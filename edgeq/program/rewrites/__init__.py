"""Rewrites of the integer program that make it cheaper and keep every byte of its results."""

from edgeq.program.rewrites.optimize import optimize

__all__ = ["optimize"]
