"""Spaces of choices and the allocations in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.errors import UsageError
from edgeq.search.space import Allocation, Knob, Space

KNOBS = st.lists(
    st.tuples(st.sampled_from(["weight_bits", "activation_bits"]), st.text("abc:/", min_size=1, max_size=3)),
    unique=True,
    max_size=4,
).map(lambda names: tuple(Knob(option, (8, 4, 2), layer) for option, layer in names))
SPACES = KNOBS.map(lambda knobs: Space((Knob("scheme", ("asymmetric", "symmetric")), *knobs)))


@given(SPACES, st.integers(0, 99))
def test_an_allocation_survives_json_and_its_encoding(space: Space, seed: int) -> None:
    allocation = space.sample(np.random.default_rng(seed))
    assert Allocation.from_json(allocation.to_json()) == allocation
    assert space.decode(space.encode(allocation)) == allocation
    assert allocation.replace({}) == allocation


@given(SPACES)
def test_a_space_lists_each_allocation_once(space: Space) -> None:
    everything = list(space)
    assert len(set(everything)) == len(everything) == space.size
    assert everything[0] == space.default()


@given(SPACES)
def test_neighbours_differ_in_one_knob(space: Space) -> None:
    start = space.default()
    found = list(space.neighbours(start))
    assert len(found) == sum(len(knob.values) - 1 for knob in space.knobs)
    assert {int((space.encode(near) != space.encode(start)).sum()) for near in found} == {1}


def test_an_allocation_says_what_layers_get() -> None:
    space = Space(
        (Knob("scheme", ("symmetric",)), Knob("weight_bits", (8, 4), "conv:1"), Knob("weight_bits", (4,), "fc"))
    )
    allocation = space.default()
    assert allocation.layers("weight_bits") == {"conv:1": 8, "fc": 4}
    assert allocation["scheme"] == "symmetric"
    assert allocation.get("granularity", "channel") == "channel"


@pytest.mark.parametrize("other", [Space((Knob("scheme", ("x",)),)), Space((Knob("method", ("minmax",)),))])
def test_an_allocation_of_another_space_is_refused(other: Space) -> None:
    space = Space((Knob("scheme", ("asymmetric", "symmetric")),))
    with pytest.raises(UsageError, match="another search space"):
        space.encode(other.default())
