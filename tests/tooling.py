"""For tests that need a program outside Python: skip where a developer lacks it, fail where CI does."""

from __future__ import annotations

import os

import pytest

from edgeq.errors import ToolMissingError
from edgeq.run.device import devices_of, tools_of
from edgeq.run.toolchain import find_tool
from edgeq.targets.load import all_targets
from edgeq.targets.target import Target

# Each emulated target with each of its float ABIs.
ALL_BOARDS = [
    (target.name, float_abi)
    for target in all_targets()
    if target.emulator is not None
    for float_abi in target.float_abis or ("",)
]


def need_tools(*names: str) -> None:
    """Skips the test, with the reason, if a tool of `edgeq.run.toolchain.TOOLS` is missing; fails it in CI."""
    for name in names:
        try:
            find_tool(name)
        except ToolMissingError as error:
            refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            refuse(str(error))


def need_board(target: Target) -> None:
    """As `need_tools`, for all that building and running firmware of this target takes."""
    assert devices_of(target)
    need_tools(*tools_of(target))
