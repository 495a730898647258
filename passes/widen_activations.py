"""Gives 16 bits to the activations that cost the network's answers most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10

import onnx_ir as ir

from edgeq.calibrate.prediction import prediction_difference
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.suffix import Suffix
from edgeq.passes.annotations import BITS_KEY, OBSERVED_KEY, RANGE_KEY
from edgeq.passes.quantization_points import activation_bits
from edgeq.quant.qparams import Scheme
from edgeq.quant.scheme import range_params

WIDE = 16


@dataclass(frozen=True)
class WidenActivations(ir.passes.InPlacePass):
    """Marks activations to be quantized to 16 bits, over all that was observed of them.

    The noise that each tensor alone makes at the outputs when it is quantized is measured; noise of different tensors
    adds up. The noisiest are widened, as long as each lifts the SQNR of the outputs by `least_gain`. Between
    `Calibrate` and `InsertQdq`. Those that `AssignWidths` made narrower stay so. Leaves the function unchanged.
    Idempotent.

    Attributes:
        samples: Inputs of the model.
        bits, scheme: As of `InsertQdq`.
        least_gain: dB that a tensor must bring.
        share: At most this share of the tensors is widened.
        most: So many samples are used.
        progress: Told (tensors done, tensors in total).
    """

    samples: Samples
    bits: int = 8
    scheme: Scheme = "asymmetric"
    least_gain: float = 0.5
    share: float = 0.25
    most: int = 32
    progress: Callable[[int, int], None] | None = None

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        marked = [value for value in activation_bits(model.graph, self.bits) if value.meta.get(BITS_KEY) == WIDE]
        for value in marked:
            del value.meta[BITS_KEY]
        noise = self._noise(model)
        chosen = widened(noise, self.least_gain, int(self.share * len(noise)))
        for value in chosen:
            value.meta[BITS_KEY] = WIDE
            value.meta[RANGE_KEY] = value.meta[OBSERVED_KEY]
        return ir.passes.PassResult(model, modified=set(chosen) != set(marked))

    def _noise(self, model: ir.Model) -> dict[ir.Value, float]:
        """Noise-to-signal ratio at the outputs for each tensor that may be widened."""
        (feeds,) = self.samples.first(self.most).batches(self.most)
        widths = activation_bits(model.graph, self.bits)
        wider = activation_bits(model.graph, WIDE)
        noise: dict[ir.Value, float] = {}
        for done, (value, bits) in enumerate(widths.items(), start=1):
            if wider[value] == WIDE and bits < WIDE:
                suffix = Suffix(model, str(value.name), feeds)
                params = range_params(value.meta[RANGE_KEY], bits, self.scheme)
                outputs = suffix.run(params.dequantize(params.quantize(suffix.exact)))
                noise[value] = prediction_difference(suffix.run(suffix.exact), outputs, probabilities=False)
            if self.progress is not None:
                self.progress(done, len(widths))
        return noise


def widened(noise: dict[ir.Value, float], least_gain: float, most: int) -> list[ir.Value]:
    """The noisiest tensors, as long as taking out the next one lowers the sum by `least_gain` dB."""
    left = sum(noise.values())
    chosen: list[ir.Value] = []
    for value in sorted(noise, key=lambda v: -noise[v])[:most]:
        rest = left - noise[value]
        if rest > 0 and 10 * log10(left / rest) < least_gain:
            break
        chosen.append(value)
        left = rest
    return chosen
