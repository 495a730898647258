"""How the tuner chooses, and that it measures nothing twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgeq.targets.dsp.schedule import Schedule, Shape, default_schedule
from edgeq.targets.load import load_target

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/lib"))
from tune_kernels.choose import added, best, by_shape
from tune_kernels.trial import Trial

M4 = load_target("cortex-m4")
A, B = Shape(3, 8, 1, 2, 16), Shape(1, 32, 1, 2, 8)
DEFAULT = default_schedule(A, M4)
SMALL, NEAR = Schedule(16, 16), Schedule(16, 16, near=True)


def test_the_fewest_cycles_over_all_calls_and_models_win() -> None:
    first = by_shape([A, None, A, B], {DEFAULT: [100, 7, 100, 50], SMALL: [120, 7, 90, 49], NEAR: [80, 7, 80, 60]})
    second = by_shape([B], {DEFAULT: [50], SMALL: [10], NEAR: [60]})
    total = added([first, second])
    assert total[A] == {DEFAULT: 200, SMALL: 210, NEAR: 160}
    assert best(total, M4) == {A: NEAR, B: SMALL}
    assert best(total, M4, barred=frozenset({A})) == {B: SMALL}


def test_what_is_hardly_better_is_left_at_the_default() -> None:
    assert best({A: {DEFAULT: 1000, SMALL: 995}}, M4) == {}


def test_a_trial_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = tmp_path / "model.onnx"
    model.write_bytes(b"first")
    asked: list[Schedule] = []
    monkeypatch.setattr(Trial, "_measure", lambda self, schedule: asked.append(schedule) or [1, 2])
    for _ in range(2):
        assert Trial(model, M4).cycles(SMALL) == [1, 2]
    assert asked == [SMALL]
    Trial(model, M4).cycles(NEAR)
    model.write_bytes(b"second")
    Trial(model, M4).cycles(SMALL)
    assert asked == [SMALL, NEAR, SMALL]
