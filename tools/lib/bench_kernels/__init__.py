"""Kernels of a family beside the portable ones."""
