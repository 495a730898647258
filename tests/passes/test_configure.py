"""Passes switched and set by name."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir
import pytest

from edgeq.errors import UsageError
from edgeq.passes.configure import Settings, Step, configure, options_of


@dataclass(frozen=True)
class FirstPass(ir.passes.InPlacePass):
    """Has one option of each kind, and data that is not an option."""

    samples: object = None
    method: str = "minmax"
    rounds: int = 3
    limit: float = 0.5
    careful: bool = True

    def __post_init__(self) -> None:
        if self.method not in ("minmax", "mse"):
            raise ValueError(f"unknown method {self.method!r}")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        return ir.passes.PassResult(model, modified=False)


@dataclass(frozen=True)
class SecondPass(ir.passes.InPlacePass):
    """Has no options."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        return ir.passes.PassResult(model, modified=False)


STEPS = [Step(FirstPass()), Step(SecondPass(), enabled=False)]


def test_the_recipe_decides_without_settings() -> None:
    assert configure(STEPS, {}) == [FirstPass()]


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({"first_pass": False}, []),
        ({"second_pass": True}, [FirstPass(), SecondPass()]),
        ({"first_pass": {"method": "mse", "rounds": "5"}}, [FirstPass(method="mse", rounds=5)]),
        ({"first_pass": {"careful": "off", "limit": 2}}, [FirstPass(careful=False, limit=2.0)]),
    ],
)
def test_settings_switch_and_set(settings: Settings, passes: list[object]) -> None:
    assert configure(STEPS, settings) == passes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frist_pass": False}, "no pass 'frist_pass'.*\n.*'first_pass' is meant"),
        ({"first_pass": {"round": 1}}, "no option of pass 'first_pass' 'round'.*\n.*'rounds' is meant"),
        ({"first_pass": {"samples": 1}}, "no option"),
        ({"second_pass": {"x": 1}}, "it has no options"),
        ({"first_pass": {"rounds": "many"}}, "must be a whole number"),
        ({"first_pass": {"careful": "perhaps"}}, "must be on or off"),
        ({"first_pass": {"method": 1}}, "must be a word"),
        ({"first_pass": {"method": "guess"}}, "unknown method 'guess'"),
    ],
)
def test_wrong_settings_are_refused(settings: Settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configure(STEPS, settings)


def test_only_plain_values_are_options() -> None:
    assert list(options_of(FirstPass())) == ["method", "rounds", "limit", "careful"]
