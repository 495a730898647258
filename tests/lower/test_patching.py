"""Which patches are chosen for a target."""

from __future__ import annotations

import pytest
from program.staged import Stage, pyramid

from edgeq.config import Config
from edgeq.fitting import Fitted, lower_to_fit
from edgeq.lower import patching
from edgeq.lower.lower import lower
from edgeq.package.sizes import ram_bytes
from edgeq.targets.load import load_target

TARGET = load_target("cortex-m0")
NET = pyramid()


@pytest.fixture(autouse=True)
def few_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each candidate takes a second to lower."""
    monkeypatch.setattr(patching, "STRIPS", (2, 8))


def fitted(**options: object) -> Fitted:
    return lower_to_fit(NET, TARGET, "", Config(**options))  # type: ignore[arg-type]


def test_the_cheapest_patches_that_fit_are_taken() -> None:
    whole = lower(NET, TARGET).plan.size
    roomy = patching.cheapest(NET, TARGET, lambda lowered: lowered.plan.size < whole)
    tight = patching.cheapest(NET, TARGET, lambda lowered: lowered.plan.size < 0.8 * whole)
    assert roomy and tight
    assert tight[0].plan.size < 0.8 * whole <= roomy[0].plan.size < whole
    assert NET.macs < roomy[0].program.macs < tight[0].program.macs


def test_none_are_taken_where_nothing_runs_by_rows() -> None:
    flat = Stage((1, 1, 8, 2)).program()
    assert patching.smallest(flat, TARGET) is None
    assert patching.cheapest(flat, TARGET, lambda lowered: True) is None


def test_they_are_used_only_where_they_are_asked_for() -> None:
    assert fitted().patches is None
    assert fitted(max_ram=10_000).patches is None
    assert fitted(patch="off", max_ram=1).patches is None
    assert fitted(patch="on").patches is not None


def test_a_budget_of_ram_is_met_with_patches() -> None:
    plain = fitted()
    budget = ram_bytes(plain.lowered, plain.objects).total - 16
    small = fitted(max_ram=budget)
    assert ram_bytes(small.lowered, small.objects).total <= budget
    assert small.patches and small.extra_macs == small.lowered.program.macs - NET.macs > 0
    assert small.patch_report() == {
        "layers": small.layers,
        "strips": small.patches.strips,
        "extra_macs": small.extra_macs,
    }
