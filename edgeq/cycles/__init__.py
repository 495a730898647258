"""Estimates of processor cycles, from how often each instruction of a firmware was executed."""
