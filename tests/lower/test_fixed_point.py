"""Both forms of the multiplication give the contract's integers, at the edges of every operand."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from lower.targets import FULL
from tvm.script import tirx as T

from edgeq.lower.lowered import Kernel
from edgeq.quant.fixed_point import multiply_high
from edgeq.run.host import load_kernels
from edgeq.targets.portable.fixed_point import multiply_by_halves, multiply_long


def operands() -> tuple[np.ndarray, np.ndarray]:
    """Powers of two and their neighbours, of both signs, against each other; then random ones."""
    near = np.array([s * (1 << k) + d for k in range(31) for s in (1, -1) for d in (-1, 0, 1)], np.int64)
    a = np.unique(np.concatenate([near, [-(2**31), 2**31 - 1, 2**31 - 2, -(2**31) + 1]]))
    m = near[np.abs(near) < 1 << 30]
    pairs = np.array(np.meshgrid(a, m)).reshape(2, -1)
    rng = np.random.default_rng(1)
    drawn = np.stack([rng.integers(-(2**31), 2**31, 100_000), rng.integers(-(2**30) + 1, 2**30, 100_000)])
    both = np.concatenate([pairs, drawn], axis=1).astype(np.int32)
    return both[0].copy(), both[1].copy()


@pytest.mark.parametrize("form", [multiply_long, multiply_by_halves])
def test_equals_contract(form) -> None:
    a, m = operands()
    size = len(a)

    @T.prim_func(private=True)
    def kernel(a_ptr: T.handle("int32"), m_ptr: T.handle("int32"), y_ptr: T.handle("int32")):
        a_buffer = T.decl_buffer((size,), "int32", data=a_ptr)
        m_buffer = T.decl_buffer((size,), "int32", data=m_ptr)
        y_buffer = T.decl_buffer((size,), "int32", data=y_ptr)
        for i in T.serial(size):
            y_buffer[i] = form(a_buffer[i], m_buffer[i])

    y = np.zeros_like(a)
    function = load_kernels([Kernel("multiply", "test", kernel)], FULL)["multiply"]
    function(*(ctypes.c_void_p(array.ctypes.data) for array in (a, m, y)))
    np.testing.assert_array_equal(y, multiply_high(a, m))
