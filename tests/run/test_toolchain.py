from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from edgeq.errors import ToolMissingError
from edgeq.run.toolchain import TOOLS, doctor, find_tool


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds one folder, empty at first."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, answer: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_missing_tool_is_named_with_the_command_that_installs_it(only_path: Path, tool) -> None:
    with pytest.raises(ToolMissingError, match=f"{re.escape(tool.name)} is not installed") as caught:
        find_tool(tool.name)
    assert caught.value.fix == f"sudo apt-get install {tool.package}"


def test_a_tool_on_the_path_is_found_with_its_version(only_path: Path) -> None:
    path = install(only_path, "qemu-system-arm", "QEMU emulator version 7.2.22 (Debian 1:7.2)")
    assert find_tool("qemu-system-arm") == path
    status = {line.name: line for line in doctor()}["qemu-system-arm"]
    assert (status.path, status.version) == (path, "7.2.22")


def test_a_compiler_without_its_library_is_told_apart(only_path: Path) -> None:
    install(only_path, "arm-none-eabi-gcc", "libc.a")  # gcc's answer where it knows no such file
    with pytest.raises(ToolMissingError, match="newlib"):
        find_tool("newlib")
    install(only_path, "arm-none-eabi-gcc", f"{only_path}/libc.a")
    assert find_tool("newlib") == only_path / "libc.a"


def test_a_command_that_only_a_board_file_names(only_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="my-gcc is not installed; this target needs it") as caught:
        find_tool("my-gcc")
    assert caught.value.fix == "put my-gcc where PATH finds it"
    assert find_tool(install(only_path, "my-gcc", "").name) == only_path / "my-gcc"


def test_doctor_lists_every_tool_even_if_none_is_there(only_path: Path) -> None:
    assert os.environ["PATH"] == str(only_path)
    lines = doctor()
    assert [line.name for line in lines] == [tool.name for tool in TOOLS]
    assert all(line.path is None and line.version == "" and line.how_to_get and line.needed_for for line in lines)
