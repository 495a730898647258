"""Models that begin alike share the activations of that beginning, and compute the same bytes as alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeq.calibrate import float_runner
from edgeq.calibrate.float_runner import FloatRunner
from edgeq.search.space import Space
from edgeq.tune.allocating import configured
from edgeq.tune.prefixes import Cut, Prefixes, PrefixRunner, find_cuts
from edgeq.tune.workbench import Workbench


def model_of(bench: Workbench, space: Space, **bits: int) -> Any:
    config = replace(bench.setup.config, passes={"correct_bias": False})
    return bench._quantizing.model(configured(config, space.default().replace({"correct_bias": False, **bits})))


@pytest.fixture(scope="module")
def feeds(bench: Workbench) -> dict[str, np.ndarray]:
    return {name: array[:16] for name, array in bench.setup.seen.inputs.items()}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of nodes of each model that is run."""
    sizes: list[int] = []
    original = FloatRunner.__init__

    def counting(self: FloatRunner, model: Any, tensors: Any = None) -> None:
        sizes.append(len(model.graph))
        original(self, model, tensors)

    monkeypatch.setattr(float_runner.FloatRunner, "__init__", counting)
    return sizes


def test_only_what_differs_is_run_and_gives_the_same_bytes(
    bench: Workbench, space: Space, feeds: dict[str, np.ndarray], computed: list[int]
) -> None:
    prefixes = Prefixes()
    last = [knob.name for knob in space.knobs if knob.option == "weight_bits"][-1]
    models = [model_of(bench, space), model_of(bench, space, **{last: 4})]
    exact = [FloatRunner(model).run(feeds)[str(model.graph.outputs[0].name)] for model in models]
    computed.clear()
    for model, expected in zip(models, exact, strict=True):
        np.testing.assert_array_equal(PrefixRunner(model, prefixes).run(feeds, 0), expected)
    assert computed[1] < computed[0] / 2
    np.testing.assert_array_equal(PrefixRunner(models[1], Prefixes()).run(feeds, 0), exact[1])


def test_a_cut_knows_all_that_is_before_it(bench: Workbench, space: Space) -> None:
    first = next(knob.name for knob in space.knobs if knob.option == "weight_bits")
    plain, again, other = (find_cuts(model_of(bench, space, **bits).graph) for bits in ({}, {}, {first: 2}))
    assert plain == again
    shared = {cut.digest for cut in plain} & {cut.digest for cut in other}
    assert shared == {plain[0].digest}, "the quantized input"


def test_the_least_recently_used_makes_room() -> None:
    prefixes, values = Prefixes(most=30), np.zeros(10, np.int8)
    cuts = [Cut(str(i), bytes([i])) for i in range(4)]
    for cut in cuts[:3]:
        prefixes.put(cut, 0, values)
    prefixes.get(cuts[0], 0)
    prefixes.put(cuts[3], 0, values)
    assert [prefixes.get(cut, 0) is not None for cut in cuts] == [True, False, True, True]
