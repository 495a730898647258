"""QDQ ONNX to the integer program."""

from edgeq.program.builder.build import Interface, build_program

__all__ = ["Interface", "build_program"]
