"""The presets: which quantization passes run, in order, for how much work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

from onnx_ir.passes import PassBase

from edgeq.calibrate.samples import Samples
from edgeq.passes.absorb_high_bias import AbsorbHighBias
from edgeq.passes.assign_widths import AssignWidths
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.configure import Settings, Step, configure
from edgeq.passes.correct_bias_analytic import CorrectBiasAnalytic
from edgeq.passes.equalize_layers import EqualizeLayers
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.passes.layerwise import MAX_SAMPLES
from edgeq.passes.output_noise import OutputNoise
from edgeq.passes.plugins import with_plugins
from edgeq.passes.recombine_channels import RecombineChannels
from edgeq.passes.reconstruct_blocks import ReconstructBlocks
from edgeq.passes.refine_ranges import RefineRanges
from edgeq.passes.reparameterize_norms import ReparameterizeNorms
from edgeq.passes.round_per_layer import RoundPerLayer
from edgeq.passes.roundings import rounding_steps
from edgeq.passes.scheme import Scheme
from edgeq.passes.simulate_grid import SimulateGrid
from edgeq.passes.smooth_norms import SmoothNorms
from edgeq.passes.split_outliers import SplitOutliers
from edgeq.passes.widen_activations import WidenActivations

FEW = 32
"""Samples that are enough for statistics of channels."""

SOME = 128
"""Samples for the ranges of `fast`: with 256, its outputs have 0.2 to 1.2 dB less noise (resnet8 and a MobileNet)."""

TRIES = 4
"""Seeds with which `best` rounds weights of few bits. One leaves more noise on held-out calibration samples: 0.5 dB at
W2A8 (dscnn and a MobileNet), 0.2 dB at W4A8 (dscnn)."""

Preset = Literal["fast", "balanced", "best"]


def preset_passes(
    samples: Samples,
    preset: Preset,
    scheme: Scheme,
    settings: Settings,
    *,
    progress: Callable[[str, int, int], None],
    warn: Callable[[str], None],
) -> list[PassBase]:
    """A canonical float model to QDQ ONNX with integer weights, as a preset does it and the user has changed it.

    Args:
        samples: For calibration and optimization.
        settings: Passes to switch or set, by name.
        progress: Told (stage, steps done, steps in total).
        warn: Told what looks wrong about the samples.

    Raises:
        UsageError: There is no such pass or option, or a plug-in is broken.
    """
    few, seen, bits = samples.first(FEW), samples.first(SOME) if preset == "fast" else samples, scheme.activation_bits
    widths = (scheme.weight_bits, bits, scheme.per_channel)
    thorough, best = preset != "fast", preset == "best"
    tries = TRIES if best and scheme.narrow else 1
    per_layer = RoundPerLayer(samples, thorough=False, tries=tries, progress=partial(progress, "round weights"))
    judge = OutputNoise(few, *widths) if thorough else None
    own = AssignWidths(scheme.layer_weight_bits, scheme.layer_activation_bits)
    steps = [
        Step(own, enabled=bool(own.weight_bits or own.activation_bits)),
        Step(EqualizeLayers(few, *widths, judge=judge), enabled=thorough or not scheme.per_channel),
        Step(AbsorbHighBias(few), enabled=best),
        Step(SmoothNorms(few, judge), enabled=thorough),
        Step(ReparameterizeNorms(few, judge, bits), enabled=thorough),
        Step(SplitOutliers(OutputNoise(few, *widths), scheme.weight_bits), enabled=False),
        Step(RecombineChannels(OutputNoise(few, *widths), *widths[::2]), enabled=False),
        Step(SimulateGrid(), enabled=False),
        Step(Calibrate(seen, scheme.method, bits, progress=partial(progress, "calibrate"), warn=warn)),
        Step(_range_search(samples, bits, progress), enabled=False),
        Step(WidenActivations(samples, bits, progress=partial(progress, "widen activations")), enabled=False),
        Step(InsertQdq(*widths)),
        *rounding_steps(samples, settings, progress, per_layer if thorough else None, narrow=scheme.narrow),
        Step(CorrectBiasAnalytic(), enabled=False),
        Step(_reconstruction(samples, scheme.weight_bits, progress), enabled=False),
        Step(FreezeWeights()),
    ]
    return configure(with_plugins(steps, samples, scheme), settings)


def _range_search(samples: Samples, bits: int, progress: Callable[[str, int, int], None]) -> RefineRanges:
    """On all samples: with 64 of them, predictions on others differ by a tenth to a fifth more (dscnn, a MobileNet)."""
    return RefineRanges(samples, bits, most=MAX_SAMPLES, progress=partial(progress, "refine ranges"))


def _reconstruction(samples: Samples, bits: int, progress: Callable[[str, int, int], None]) -> ReconstructBlocks:
    """At 2 bits integers move, too: 0.6 to 1.4 dB less noise on unseen samples (dscnn, a MobileNet); at 4 bits none."""
    blocks = ReconstructBlocks(samples, progress=partial(progress, "reconstruct blocks"))
    return replace(blocks, integer_rate=0.01, epochs=25, batch=16) if bits == 2 else blocks
