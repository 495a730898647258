"""Everything that the trials of a study need, in a form that other processes and machines can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeq.config import Config
from edgeq.errors import UsageError
from edgeq.progress import silent

if TYPE_CHECKING:
    from edgeq.calibrate.samples import Samples

PRESET: Literal["fast"] = "fast"
"""Of trials: what costs more is left to the compilation of the allocation that is picked."""


KEPT = ("granularity", "input_type", "io", "io_layout", "layers", "metric", "passes", "seed", "shapes")
"""Options that change what a trial measures."""


@dataclass(frozen=True, eq=False)
class Data:
    """Samples in memory.

    Attributes:
        inputs: Per graph input, (samples, *input shape).
        labels: (samples,), or None.
    """

    inputs: Mapping[str, np.ndarray]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, indices: np.ndarray) -> Data:
        """Some samples, in the order of `indices`."""
        labels = None if self.labels is None else self.labels[indices]
        return Data({name: array[indices] for name, array in self.inputs.items()}, labels)


@dataclass(frozen=True, eq=False)
class Setup:
    """A model, its data and how it is to be quantized.

    Attributes:
        model: Canonical float model, as serialized ONNX.
        config: Target, and what changes the outcome of trials: no data, no budgets, nothing of the search.
        calib: Calibration samples.
        seen, held: The halves of the evaluation samples: what trials may see, and what accuracy is reported on.
        shared: Folder where processes leave what others of the search can use.
    """

    model: bytes
    config: Config
    calib: Data
    seen: Data
    held: Data
    shared: Path | None = None

    @property
    def key(self) -> str:
        """Equal for setups whose trials give equal outcomes."""
        parts = [self.model, repr(self.config).encode()]
        for data in (self.calib, self.seen, self.held):
            arrays = [*data.inputs.values(), *([] if data.labels is None else [data.labels])]
            parts += [np.ascontiguousarray(array).tobytes() for array in arrays]
        digest = sha256()
        for part in parts:
            digest.update(sha256(part).digest())
        return digest.hexdigest()


def prepare(model: Path, config: Config) -> Setup:
    """Loads a model and its data.

    Raises:
        EdgeqError: The model or the data cannot be used.
        UsageError: The model is quantized already, data are missing, or the target is no processor.
    """
    import onnx_ir as ir

    from edgeq.calibrate.specs import input_specs
    from edgeq.frontend import load_model
    from edgeq.passes.import_quantized import is_quantized
    from edgeq.quantizer import calibration_samples, read_samples
    from edgeq.targets.load import load_target

    target = load_target(config.target)
    if target.fpga is not None:
        raise UsageError(f"edgeq tunes for processors, and {target.name} is none", fix="see `edgeq targets`")
    for option in ("calib", "eval"):
        if getattr(config, option) is None:
            raise UsageError(f"a search needs --{option}", fix="give calibration and evaluation data")
    reference = load_model(model, shapes=config.shapes)
    if is_quantized(reference):
        raise UsageError(
            "the model is quantized already: its widths are chosen", file=model, fix="give the float model"
        )
    assert config.eval is not None
    calib = _in_memory(calibration_samples(reference, config, [], silent))
    evaluation = _in_memory(read_samples(config.eval, input_specs(reference)))
    order = np.random.default_rng(config.seed).permutation(len(evaluation))
    half = (len(order) + 1) // 2
    kept = {name: getattr(config, name) for name in KEPT}
    plain = Config(target=target.name, preset=PRESET, **kept)
    serialized = ir.to_proto(reference).SerializeToString(deterministic=True)
    return Setup(serialized, plain, calib, evaluation.take(order[:half]), evaluation.take(order[half:]))


def _in_memory(samples: Samples) -> Data:
    (inputs,) = samples.batches(len(samples))
    return Data(inputs, samples.labels)
