from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import CalibrationError
from edgeq.package.manifest import PortEntry
from edgeq.run.samples import pack_samples, unpack_samples

PORTS = (PortEntry("a", "a", "int8", (1, 2, 3), 6, 1.0, 0, None), PortEntry("b", "b", "int16", (1, 2), 4, 1.0, 0, None))
ARRAYS = {
    "a": np.arange(-12, 12, dtype=np.int8).reshape(4, 1, 2, 3),
    "b": np.arange(8, dtype=np.int16).reshape(4, 1, 2) * 1000,
}


def test_samples_follow_each_other_port_by_port() -> None:
    data = pack_samples(PORTS, ARRAYS)
    assert data[:10] == ARRAYS["a"][0].tobytes() + ARRAYS["b"][0].tobytes()
    assert len(data) == 4 * 10


def test_unpacking_inverts() -> None:
    back = unpack_samples(PORTS, pack_samples(PORTS, ARRAYS))
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype


def test_the_batch_axis_may_be_left_out_and_memory_be_strided() -> None:
    strided = np.asfortranarray(ARRAYS["a"][:, 0])
    assert pack_samples(PORTS, {**ARRAYS, "a": strided}) == pack_samples(PORTS, ARRAYS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"c": ARRAYS["a"]}, r"named \['a', 'b', 'c'\], but the package has \['a', 'b'\]"),
        ({"a": ARRAYS["a"].astype(np.float32)}, r"int8 of shape \(samples, 1, 2, 3\), not float32"),
        ({"a": ARRAYS["a"][..., :2]}, r"not int8 of shape \(4, 1, 2, 2\)"),
        ({"a": np.int8(3)}, r"of shape \(\)"),
        ({"a": ARRAYS["a"][:0]}, r"of shape \(0, 1, 2, 3\)"),
        ({"a": ARRAYS["a"][:3]}, "different numbers of samples"),
    ],
)
def test_wrong_samples_are_refused(change: dict[str, np.ndarray], complaint: str) -> None:
    with pytest.raises(CalibrationError, match=complaint):
        pack_samples(PORTS, {**ARRAYS, **change})
