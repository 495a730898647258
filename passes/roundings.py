"""The ways to round weights, of which one does all layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from edgeq.calibrate.samples import Samples
from edgeq.errors import UsageError
from edgeq.passes.clip_weights import ClipWeights
from edgeq.passes.configure import Settings, Step
from edgeq.passes.correct_bias import ENOUGH, ENOUGH_NARROW, CorrectBias
from edgeq.passes.round_adaquant import RoundAdaquant
from edgeq.passes.round_adaround import RoundAdaround
from edgeq.passes.round_alone import RoundAlone
from edgeq.passes.round_blocks import RoundBlocks
from edgeq.passes.round_flexround import RoundFlexround
from edgeq.passes.round_gauss_newton import RoundGaussNewton
from edgeq.passes.round_gptq import RoundGptq
from edgeq.passes.round_per_layer import RoundPerLayer
from edgeq.passes.round_powers_of_two import RoundPowersOfTwo

BY_ONE_METHOD = (
    RoundGptq,
    RoundAlone,
    RoundAdaround,
    RoundAdaquant,
    RoundFlexround,
    RoundGaussNewton,
    RoundPowersOfTwo,
    RoundBlocks,
)
"""No preset runs these: `RoundPerLayer` chooses by layer, and measurably does better."""


def rounding_steps(
    samples: Samples,
    settings: Settings,
    progress: Callable[[str, int, int], None],
    preset: RoundPerLayer | None,
    *,
    narrow: bool,
) -> list[Step]:
    """The rounding passes, one switched on at most, and bias correction where that one does not do it.

    Args:
        progress: Told (stage, steps done, steps in total).
        preset: What the preset rounds by, unless the user asks for another way; None for rounding to nearest.
        narrow: Whether anything has less than 8 bits.

    Raises:
        UsageError: The user asks for several ways: each would undo the one before.
    """
    rounding = partial(progress, "round weights")
    clip = Step(ClipWeights(), enabled=False)
    learned = [Step(kind(samples, progress=rounding), enabled=False) for kind in BY_ONE_METHOD]
    asked = [step.name for step in (clip, *learned) if settings.get(step.name, False) is not False]
    per_layer = Step(preset or RoundPerLayer(samples, progress=rounding), enabled=preset is not None and not asked)
    asked += [per_layer.name] if settings.get(per_layer.name, False) is not False else []
    if len(asked) > 1:
        raise UsageError(f"passes {' and '.join(map(repr, asked))} both round all weights", fix="switch one of them on")
    corrected = any(settings.get(step.name, step.enabled) is not False for step in (*learned, per_layer))
    correct = CorrectBias(samples, ENOUGH_NARROW if narrow else ENOUGH, partial(progress, "correct biases"))
    return [clip, *learned, per_layer, Step(correct, enabled=not corrected)]
