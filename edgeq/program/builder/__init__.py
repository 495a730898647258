"""QDQ ONNX to the integer program."""

from edgeq.program.builder.build import Built, build, build_program
from edgeq.program.builder.ports import Interface

__all__ = ["Built", "Interface", "build", "build_program"]
