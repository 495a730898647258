"""Attaches to every value that will be quantized the range that calibration samples give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import onnx_ir as ir

from edgeq.calibrate.observe import observe
from edgeq.calibrate.observers import Observer
from edgeq.calibrate.ranges import Method, Width, choose_range
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.sanity import sanity_warnings
from edgeq.passes.annotations import OBSERVED_KEY, RANGE_KEY
from edgeq.passes.quantization_points import activation_bits
from edgeq.quant.qparams import Range, Scheme

ALL = 1 << 31
"""More samples than there are."""


@dataclass(frozen=True)
class Calibrate(ir.passes.InPlacePass):
    """Leaves a `Range` in `value.meta[RANGE_KEY]` of graph inputs and of fused groups' outputs; weights stay.

    One streaming pass over the samples serves every method; sources are in `edgeq.calibrate.ranges.choose_range`.
    Leaves the function unchanged. Idempotent.

    Raises:
        CalibrationError: The model computes NaN or infinity on a sample.
        UnsupportedError: The graph holds an operator that cannot be quantized.

    Attributes:
        samples: Inputs of the model.
        method: How ranges are chosen.
        bits, scheme: What they are chosen for: as `InsertQdq.activation_bits` and `InsertQdq.scheme`.
        most: At most so many samples are used.
        progress: Told (samples done, samples in total).
        warn: Told what looks wrong about the samples, see `edgeq.calibrate.sanity`.
        observe, choose: `edgeq.calibrate.observe.observe` and `ranges.choose_range`, or what remembers their results.
    """

    samples: Samples
    method: Method = "minmax"
    bits: int = 8
    scheme: Scheme = "asymmetric"
    most: int = ALL
    progress: Callable[[int, int], None] | None = None
    warn: Callable[[str], None] | None = None
    observe: Callable[..., Mapping[str, Observer]] = observe
    choose: Callable[[Observer, Method, Width], Range] = choose_range

    def __post_init__(self) -> None:
        if self.method not in get_args(Method) or self.scheme not in get_args(Scheme):
            raise ValueError(f"method is one of {', '.join(get_args(Method))}; scheme of {', '.join(get_args(Scheme))}")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        widths = {str(value.name): (value, bits) for value, bits in activation_bits(model.graph, self.bits).items()}
        observers = self.observe(model, self.samples.first(self.most), widths, progress=self.progress)
        for name, (value, bits) in widths.items():
            value.meta[OBSERVED_KEY] = observers[name].range
            value.meta[RANGE_KEY] = self.choose(observers[name], self.method, Width(bits, self.scheme))
        if self.warn is not None:
            chosen = {name: value.meta[RANGE_KEY] for name, (value, _) in widths.items()}
            tables = [node.outputs[0] for node in model.graph if node.op_type == "Gather"]
            inputs = {str(value.name) for value in (*model.graph.inputs, *tables)}
            for text in sanity_warnings(observers, chosen, inputs):
                self.warn(text)
        return ir.passes.PassResult(model, modified=True)
