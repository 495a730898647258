"""The version: stated once, in setup.cfg."""

from importlib.metadata import version

__version__ = version("edgeq")
