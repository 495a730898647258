"""What a model's inputs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.samples import Spec

if TYPE_CHECKING:
    import onnx_ir as ir


def input_specs(model: ir.Model) -> dict[str, Spec]:
    """Shape and element type of each input of a canonical model."""
    return {
        str(value.name): (tuple(int(d) for d in value.shape), np.dtype(value.dtype.numpy()))  # type: ignore
        for value in model.graph.inputs
    }
