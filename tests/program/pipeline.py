"""From an ONNX graph to its integer program, as the compiler does it, without files and child processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir

from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of
from edgeq.frontend.canonical import canonical_passes
from edgeq.frontend.support import check_supported
from edgeq.passes.recipes import quantize_passes
from edgeq.pipeline import run_passes
from edgeq.program.builder import Built, Interface, build
from edgeq.program.interface import quantize_inputs
from edgeq.program.program import Program
from edgeq.program.rewrites import optimize, share_memory


@dataclass(frozen=True)
class Compiled:
    """A graph on its way through the compiler.

    Attributes:
        model: As QDQ ONNX.
        program: What `built` has become by the rewrites of programs.
        real, integers: Samples of the inputs, as the model and as the program's ports take them.
    """

    model: ir.Model
    built: Built
    program: Program
    real: dict[str, np.ndarray]
    integers: dict[str, np.ndarray]


def compile_graph(
    model: onnx.ModelProto,
    samples: dict[str, np.ndarray],
    name: str = "net",
    interface: Interface | None = None,
    **options: object,
) -> Compiled:
    """Quantizes a float model on these samples and builds its program.

    Args:
        options: Of `quantize_passes`.
    """
    canonical, _ = run_passes(ir.from_proto(model), canonical_passes())
    check_supported(canonical)
    passes = quantize_passes(samples_of(samples, input_specs(canonical)), **options)  # type: ignore[arg-type]
    quantized, _ = run_passes(canonical, passes)
    built = build(quantized, name, interface)
    integers = quantize_inputs(built.program, samples)
    return Compiled(quantized, built, share_memory(optimize(built.program)), samples, integers)
