"""Which passes the presets run."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.calibrate.samples import Samples
from edgeq.calibrate.synthetic import samples_of
from edgeq.errors import UsageError
from edgeq.passes.correct_bias import ENOUGH, ENOUGH_NARROW, CorrectBias
from edgeq.passes.presets import Preset, preset_passes
from edgeq.passes.reconstruct_blocks import ReconstructBlocks
from edgeq.passes.round_per_layer import RoundPerLayer
from edgeq.passes.scheme import Scheme
from edgeq.pipeline import pass_name
from edgeq.progress import silent

BASE = ["calibrate", "insert_qdq", "freeze_weights"]
THOROUGH = ("round_per_layer", "equalize_layers", "smooth_norms", "reparameterize_norms")


@pytest.fixture
def samples() -> Samples:
    return samples_of({"x": np.zeros((4, 2), np.float32)}, {"x": ((1, 2), np.dtype(np.float32))})


def names(samples: Samples, preset: Preset, scheme: Scheme, **settings: bool) -> list[str]:
    passes = preset_passes(samples, preset, scheme, settings, progress=silent, warn=lambda text: None)
    return [pass_name(p) for p in passes]


@pytest.mark.parametrize(
    ("preset", "scheme", "extra"),
    [
        ("fast", Scheme(), {"correct_bias"}),
        ("fast", Scheme(per_channel=False), {"correct_bias", "equalize_layers"}),
        ("fast", Scheme(weight_bits=4), {"correct_bias"}),
        ("balanced", Scheme(), {*THOROUGH}),
        ("balanced", Scheme(weight_bits=4), {*THOROUGH}),
        ("balanced", Scheme(activation_bits=4), {*THOROUGH}),
        ("best", Scheme(), {*THOROUGH, "absorb_high_bias"}),
        ("best", Scheme(activation_bits=4), {*THOROUGH, "absorb_high_bias"}),
        ("best", Scheme(weight_bits=2), {*THOROUGH, "absorb_high_bias"}),
    ],
)
def test_each_preset_has_its_passes(samples: Samples, preset: Preset, scheme: Scheme, extra: set[str]) -> None:
    found = names(samples, preset, scheme)
    assert set(found) == {*BASE, *extra}
    assert [name for name in found if name in BASE] == BASE


def test_settings_win_over_the_preset(samples: Samples) -> None:
    found = names(samples, "fast", Scheme(), correct_bias=False, refine_ranges=True)
    assert found == ["calibrate", "refine_ranges", "insert_qdq", "freeze_weights"]


def test_blocks_are_reconstructed_behind_rounding(samples: Samples) -> None:
    found = names(samples, "best", Scheme(weight_bits=2), reconstruct_blocks=True)
    assert found[-3:] == ["round_per_layer", "reconstruct_blocks", "freeze_weights"]


@pytest.mark.parametrize(("bits", "moves"), [(4, False), (2, True)])
def test_integers_move_where_steps_are_coarsest(samples: Samples, bits: int, moves: bool) -> None:
    settings, scheme = {"reconstruct_blocks": True}, Scheme(weight_bits=bits)
    passes = preset_passes(samples, "best", scheme, settings, progress=silent, warn=lambda text: None)
    (blocks,) = (p for p in passes if isinstance(p, ReconstructBlocks))
    assert (blocks.integer_rate > 0) == moves


@pytest.mark.parametrize(
    ("preset", "bits", "several"), [("best", 4, True), ("best", 2, True), ("best", 8, False), ("balanced", 4, False)]
)
def test_best_rounds_few_bits_several_times(samples: Samples, preset: Preset, bits: int, several: bool) -> None:
    passes = preset_passes(samples, preset, Scheme(bits), {}, progress=silent, warn=lambda text: None)
    (rounding,) = (p for p in passes if isinstance(p, RoundPerLayer))
    assert (rounding.tries > 1) is several


@pytest.mark.parametrize(
    ("scheme", "many"),
    [(Scheme(), False), (Scheme(4), True), (Scheme(8, 4), True), (Scheme(layer_weight_bits={"conv": 4}), True)],
)
def test_biases_below_8_bits_are_corrected_on_more_samples(samples: Samples, scheme: Scheme, many: bool) -> None:
    passes = preset_passes(samples, "fast", scheme, {}, progress=silent, warn=lambda text: None)
    (correction,) = (p for p in passes if isinstance(p, CorrectBias))
    assert correction.most == (ENOUGH_NARROW if many else ENOUGH)


def test_wide_activations_keep_their_extremes() -> None:
    assert [Scheme(activation_bits=bits).method for bits in (4, 8, 16)] == ["mse", "mse", "minmax"]


ROUNDINGS = ["round_gptq", "round_adaround", "round_adaquant", "round_flexround", "round_gauss_newton"]


@pytest.mark.parametrize("asked", ROUNDINGS)
def test_one_rounding_replaces_that_of_the_preset(samples: Samples, asked: str) -> None:
    for preset in ("fast", "balanced"):
        found = names(samples, preset, Scheme(weight_bits=4), **{asked: True})  # type: ignore[arg-type]
        assert found[-3:] == ["insert_qdq", asked, "freeze_weights"]


def test_biases_are_corrected_where_rounding_does_not(samples: Samples) -> None:
    tail = ["insert_qdq", "clip_weights", "correct_bias", "freeze_weights"]
    assert names(samples, "balanced", Scheme(weight_bits=4), clip_weights=True)[-4:] == tail
    found = names(samples, "balanced", Scheme(weight_bits=4), round_per_layer=False)
    assert found[-3:] == ["insert_qdq", "correct_bias", "freeze_weights"]


def test_two_roundings_are_refused(samples: Samples) -> None:
    with pytest.raises(UsageError, match="'round_gptq' and 'round_per_layer' both round"):
        names(samples, "best", Scheme(weight_bits=4), round_gptq=True, round_per_layer=True)
