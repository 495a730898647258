"""The firmware package on disk."""
