"""The command line: shows what the verbs behind it return, and holds no logic."""

from edgeq.cli.app import main

__all__ = ["main"]
