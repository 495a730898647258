"""What the tests of tuning share: the shipped example, prepared for trials."""

from __future__ import annotations

from typing import Any

import pytest

from edgeq.config import Config
from edgeq.search.space import Space
from edgeq.tune.setup import Setup, prepare
from edgeq.tune.workbench import Workbench


@pytest.fixture(scope="session")
def setup(digits: Any) -> Setup:
    return prepare(digits.model, Config(calib=digits.calib, eval=digits.eval))


@pytest.fixture(scope="session")
def bench(setup: Setup) -> Workbench:
    return Workbench(setup)


@pytest.fixture(scope="session")
def space(bench: Workbench) -> Space:
    return bench.space()
