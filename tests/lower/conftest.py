"""Programs that several tests lower: once for each target, since writing and compiling a kernel takes a while."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from lower.every_kernel import every_kernel

from edgeq.lower.lower import lower
from edgeq.lower.lowered import Lowered
from edgeq.lower.objects import KernelObject, compile_objects
from edgeq.targets.load import load_target
from edgeq.targets.target import Target


@pytest.fixture(scope="session")
def lower_every_kernel() -> Callable[[Target], Lowered]:
    """Lowers the program that holds every kernel."""
    return cache(lambda target: lower(every_kernel(), target))


@pytest.fixture(scope="session")
def compile_every_kernel(lower_every_kernel) -> Callable[[str], tuple[KernelObject, ...]]:
    """Compiles it for the target of a name."""
    return cache(lambda name: compile_objects(lower_every_kernel(load_target(name))))
