"""What a package is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from edgeq.lower.lowered import Lowered
    from edgeq.lower.objects import KernelObject
    from edgeq.program.rewrites.patches import Patches


@dataclass(frozen=True, eq=False)
class PackageSource:
    """Everything that goes into one package.

    Attributes:
        lowered: The program, made ready for its target.
        kernels: Compiled objects, or C files by name.
        golden_inputs, golden_outputs: What the interpreter was given and gave; by port name, (samples, *port.shape).
        float_abi: `hard` or `soft`; empty where the target has no such choice.
        model_sha256: Of the user's model file, in hexadecimal.
        qdq_model: The quantized ONNX model, serialized.
        program_text: The program for people to read.
        report: Content of report.json; finite numbers only.
        version: Of edgeq.
        io_layout: What the user asked of the interface: `model`, `nchw` or `nhwc`.
        patches: What runs in patches; None where nothing does.
    """

    lowered: Lowered
    kernels: Sequence[KernelObject] | Mapping[str, str]
    golden_inputs: Mapping[str, np.ndarray]
    golden_outputs: Mapping[str, np.ndarray]
    float_abi: str
    model_sha256: str
    qdq_model: bytes
    program_text: str
    report: Mapping[str, object]
    version: str
    io_layout: str = "model"
    patches: Patches | None = None

    @property
    def name(self) -> str:
        """Identifier that prefixes every symbol, macro and file name."""
        return self.lowered.program.name

    @property
    def emit(self) -> Literal["lib", "c"]:
        """Form of the kernels."""
        return "c" if isinstance(self.kernels, Mapping) else "lib"
