"""Ranges of masked scores end where Softmax ends."""

from __future__ import annotations

import numpy as np
from frontend.graphs import parse

from edgeq.calibrate.masks import REACH, floored, masked_scores
from edgeq.calibrate.observe import observe
from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of

GRAPH = "g (float[1,2,3] x) => (float[1,2,3] y) { s = Add(x, m)  y = Softmax(s) }"


def test_what_softmax_makes_nothing_of_is_not_observed() -> None:
    model = parse(GRAPH, {"m": np.array([0, -128, 0], np.float32)})
    x = np.array([[[[1, 5, 2], [-7, 5, -9]]]], np.float32)
    seen = observe(model, samples_of({"x": x}, input_specs(model)), ["x", "s"])
    assert seen["x"].range.lo == -9
    np.testing.assert_allclose([seen["s"].range.lo, seen["s"].range.hi], [-7 - REACH, 2], rtol=1e-6)


def test_small_additions_are_no_masks() -> None:
    assert masked_scores(parse(GRAPH, {"m": np.array([0, -50, 0], np.float32)})) == {}


def test_the_floor_changes_no_integer_of_softmax() -> None:
    scores = np.random.default_rng(0).normal(0, 20, (50, 4, 9))
    exact, kept = (np.exp(s - s.max(axis=1, keepdims=True)) for s in (scores, floored(scores, 0)))
    assert (np.floor(exact * 2**16 + 0.5) == np.floor(kept * 2**16 + 0.5)).mean() > 0.999
