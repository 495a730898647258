"""edgeq compiles ONNX models to integer firmware packages for edge devices."""

from importlib.metadata import version

from edgeq.api import bench, compile, inspect, quantize, verify
from edgeq.errors import EdgeqError

__version__ = version("edgeq")

__all__ = ["EdgeqError", "__version__", "bench", "compile", "inspect", "quantize", "verify"]
