"""What the passes that rescale the channels of LayerNormalization share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.samples import Samples
from edgeq.passes.norm_channels import NormReaders, channel_extents, norm_readers

Judge = Callable[[ir.Model], float]
"""Measures the loss that a float model suffers when it is quantized."""

Factors = Callable[[NormReaders, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Factor and offset of each channel, from the smallest and the largest number of each."""


def rescale_norms(
    model: ir.Model,
    samples: Samples,
    factors: Factors,
    judge: Judge | None,
    least_gain: float,
    decline: Callable[[str], None],
) -> ir.passes.PassResult:
    """Rescales one normalization after the other, where that lowers the measured loss.

    Args:
        judge, least_gain: See `SmoothNorms`.
    """
    sites = list(norm_readers(model.graph, decline))
    if not sites:
        return ir.passes.PassResult(model, modified=False)
    extents = channel_extents(model, samples, [site.norm.outputs[0] for site in sites])
    loss, modified = None if judge is None else judge(model), False
    for number, (site, (lo, hi)) in enumerate(zip(sites, extents, strict=True)):
        factor, offset = factors(site, lo, hi)
        if judge is not None and loss is not None:
            trial = model.clone()
            list(norm_readers(trial.graph))[number].rescale(factor, offset)
            after = judge(trial)
            if after > (1 - least_gain) * loss:
                decline(f"channels of {site.norm.name} were rescaled, and the measured loss did not fall enough")
                continue
            loss = after
        site.rescale(factor, offset)
        modified = True
    return ir.passes.PassResult(model, modified)
