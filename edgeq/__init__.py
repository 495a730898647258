"""edgeq compiles ONNX models to integer firmware packages for edge devices."""

from edgeq.api import bench, compile, debug, inspect, quantize, tune, verify
from edgeq.errors import EdgeqError
from edgeq.version import __version__

__all__ = ["EdgeqError", "__version__", "bench", "compile", "debug", "inspect", "quantize", "tune", "verify"]
