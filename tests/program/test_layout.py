"""Index maps and the loops found for them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeq.program.builder.layout import channels_last, dense, is_dense, is_permutation, joint_views
from edgeq.program.ops import View
from edgeq.program.semantics import view_array


def walk(view: View) -> np.ndarray:
    grid = np.indices(view.sizes).reshape(len(view.sizes), -1)
    return view.offset + np.asarray(view.strides) @ grid


@st.composite
def index_maps(draw: st.DrawFn) -> np.ndarray:
    """Transposed, sliced, reversed and repeated views of a dense buffer."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    index = dense(shape).transpose(draw(st.permutations(range(len(shape)))))
    axis = draw(st.integers(0, index.ndim - 1))
    step = draw(st.sampled_from([1, 2, -1]))
    start = draw(st.integers(0, index.shape[axis] - 1))
    return np.moveaxis(np.moveaxis(index, axis, 0)[start::step], 0, axis).repeat(draw(st.integers(1, 3)), axis)


@given(index_maps())
def test_loops_walk_exactly_the_map(index: np.ndarray) -> None:
    views = joint_views(index, dense(index.shape))
    assert views is not None
    assert walk(views[0]).tolist() == index.ravel().tolist()
    assert walk(views[1]).tolist() == list(range(index.size))
    assert views[0].sizes == views[1].sizes


@given(index_maps())
def test_a_view_of_an_array_is_the_mapped_array(index: np.ndarray) -> None:
    views = joint_views(index)
    assert views is not None
    memory = np.arange(int(index.max()) + 1)[None] * 3
    assert view_array(memory, views[0]).ravel().tolist() == (index.ravel() * 3).tolist()


def test_a_walk_without_strides_is_refused() -> None:
    assert joint_views(np.array([0, 1, 3, 7])) is None


def test_dense_loops_collapse_to_one() -> None:
    assert joint_views(dense((4, 5, 6))) == (View((120,), (1,), 0),)


def test_dense_and_permutation() -> None:
    index = dense((2, 3, 4))
    assert is_dense(index, 24) and not is_dense(index, 25) and not is_dense(index[1:], 24)
    assert is_permutation(index.transpose(2, 0, 1), 24) and not is_permutation(index.repeat(2, 0), 48)


def test_channels_last_order() -> None:
    assert [channels_last(rank) for rank in (1, 2, 3, 4)] == [(0,), (0, 1), (0, 2, 1), (0, 2, 3, 1)]
