"""Small ONNX models for the tests of quantization, from ONNX's text form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of
from edgeq.passes.recipes import quantize_passes
from edgeq.pipeline import run_passes


def parse(text: str, constants: Mapping[str, np.ndarray] | None = None) -> ir.Model:
    """A checked, shape-inferred model of opset 21.

    Args:
        text: The graph in onnx.parser's syntax, without the model's header.
        constants: Initializers by name.
    """
    proto = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> {text}')
    for name, array in (constants or {}).items():
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
    for number, node in enumerate(proto.graph.node):
        node.name = node.name or f"node{number}"
    onnx.checker.check_model(proto)
    return ir.from_proto(onnx.shape_inference.infer_shapes(proto, strict_mode=True))


def normal_samples(model: ir.Model, count: int = 32, scale: float = 1.0) -> Samples:
    """Normally distributed inputs, the same at every call."""
    generator = np.random.default_rng(0)
    specs = input_specs(model)
    arrays = {name: scale * generator.standard_normal((count, *shape)) for name, (shape, _) in specs.items()}
    return samples_of({name: array.astype(np.float32) for name, array in arrays.items()}, specs)


def quantized(model: ir.Model, samples: Samples | None = None, **options: int) -> ir.Model:
    """A quantized copy, checked after each pass."""
    return run_passes(model.clone(), quantize_passes(samples or normal_samples(model), **options))[0]


def sqnr_db(reference: np.ndarray, other: np.ndarray) -> float:
    """Signal to quantization noise ratio, in decibels."""
    noise = np.square(reference.astype(np.float64) - other).sum()
    return float(10 * np.log10(np.square(reference.astype(np.float64)).sum() / max(noise, 1e-30)))


def op_types(model: ir.Model) -> list[str]:
    """Operators in order."""
    return [node.op_type for node in model.graph]
