"""QDQ models of many allocations of one model: what they share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from edgeq.calibrate.observe import observe
from edgeq.calibrate.ranges import Method, Width, choose_range
from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of
from edgeq.config import Config
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.clip_weights import ClipWeights
from edgeq.passes.correct_bias import CorrectBias
from edgeq.passes.layerwise import LayerwisePass
from edgeq.passes.round_alone import RoundAlone
from edgeq.quantizer import passes_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    import onnx_ir as ir
    from onnx_ir.passes import PassBase

    from edgeq.calibrate.observers import Observer
    from edgeq.calibrate.samples import Samples
    from edgeq.quant.qparams import Range
    from edgeq.reconstruct.layer import Solution
    from edgeq.tune.setup import Data


REFINING = (CorrectBias, ClipWeights, LayerwisePass)
"""Passes that look for better numbers and change nothing else."""


class Quantizing:
    """Makes the model that `edgeq compile` makes of a configuration; passes are not verified here.

    Args:
        reference: Canonical float model; left as it is.
        calib: Calibration samples.
        solutions: Of layers that are rounded by themselves; new ones are added.
    """

    def __init__(self, reference: ir.Model, calib: Data, solutions: MutableMapping[bytes, Solution]) -> None:
        self._reference = reference
        self._calib = calib
        self._samples = samples_of(dict(calib.inputs), input_specs(reference))
        self._observed: dict[tuple[int, bytes], dict[str, Observer]] = {}
        self._ranges: dict[tuple[Observer, Method, Width], Range] = {}
        self._solutions = solutions

    def model(self, config: Config) -> ir.Model:
        """The QDQ model of a configuration.

        Raises:
            EdgeqError: The model cannot be quantized so.
        """
        return self._run(self._passes(config))

    def outline(self, config: Config) -> ir.Model:
        """The same but for the values of weights and biases: its kernels and its sizes are those of `model`."""
        return self._run(pass_ for pass_ in self._passes(config) if not isinstance(pass_, REFINING))

    def _passes(self, config: Config) -> list[PassBase]:
        found = passes_for(replace(config, calib=self._calib.inputs), self._samples)
        return [self._remembering(pass_) for pass_ in found]

    def _remembering(self, pass_: PassBase) -> PassBase:
        """The pass with results of others like it at hand, where these can serve."""
        if isinstance(pass_, Calibrate):
            return replace(pass_, observe=self._observe, choose=self._choose)
        return replace(pass_, solutions=self._solutions) if isinstance(pass_, RoundAlone) else pass_

    def _run(self, passes: Iterable[PassBase]) -> ir.Model:
        model = self._reference.clone()
        for pass_ in passes:
            model = pass_(model).model
        return model

    def _observe(
        self,
        model: ir.Model,
        samples: Samples,
        tensors: Iterable[str],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Mapping[str, Observer]:
        """`observe`, remembered for models with the same constants."""
        key = len(samples), _digest(model)
        if key not in self._observed:
            self._observed[key] = observe(model, samples, tensors, progress=progress)
        return self._observed[key]

    def _choose(self, seen: Observer, method: Method, width: Width) -> Range:
        """`choose_range`, remembered for observers that are."""
        key = seen, method, width
        if key not in self._ranges:
            self._ranges[key] = choose_range(seen, method, width)
        return self._ranges[key]


def _digest(model: ir.Model) -> bytes:
    """Of the constants: passes before calibration change nothing else."""
    digest = sha256()
    for name, value in sorted(model.graph.initializers.items()):
        digest.update(name.encode())
        if value.const_value is not None:
            digest.update(value.const_value.tobytes())
    return digest.digest()
