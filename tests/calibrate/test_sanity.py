"""What looks wrong is said with names and remedies, and what looks right is not mentioned."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.calibrate.observers import Observer
from edgeq.calibrate.sanity import FEW_SAMPLES, sanity_warnings
from edgeq.quant.qparams import Range

WIDE = Range(-100.0, 100.0)


def observed(*, dead: int = 0, constant: bool = False, samples: int = FEW_SAMPLES) -> Observer:
    seen, rng = Observer(), np.random.default_rng(0)
    for _ in range(samples):
        values = rng.standard_normal((1, 8, 5)).astype(np.float32)
        values[:, :dead] = 0.25
        seen.update((np.full_like(values, 3.0) if constant else values)[None])
    return seen


def warnings_of(chosen: Range = WIDE, name: str = "t", **form: int) -> list[str]:
    return sanity_warnings({name: observed(**form), "x": observed(**form)}, {name: chosen, "x": WIDE}, {"x"})


def test_nothing_to_say() -> None:
    assert warnings_of(dead=2) == []


@pytest.mark.parametrize(
    ("form", "chosen", "expected"),
    [
        ({"samples": 3}, WIDE, "only 3 calibration samples"),
        ({"dead": 5}, WIDE, "channels that never change: 't' (5 of 8)"),
        ({"constant": True}, WIDE, "the same value on every calibration sample: 't' (3), 'x' (3)"),
        ({}, Range(-0.5, 0.5), "of the values clipped: 't' (6"),
    ],
)
def test_trouble_is_named(form: dict[str, int], chosen: Range, expected: str) -> None:
    (warning,) = warnings_of(chosen, **form)
    assert expected in warning and "; " in warning


def test_long_lists_are_cut() -> None:
    observers = {f"t{i}": observed(constant=True) for i in range(9)}
    (warning,) = sanity_warnings(observers, dict.fromkeys(observers, WIDE), set())
    assert "'t4' (3) and 4 more" in warning and "t5" not in warning
