"""The command itself: its commands, its help, its speed."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import edgeq
from edgeq.cli.app import COMMANDS

from .conftest import Call

EDGEQ = Path(sys.executable).parent / "edgeq"


def test_help_lists_every_command(call: Call) -> None:
    result = call("--help")
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.output.partition("Commands:")[2].strip().splitlines()]
    assert listed == list(COMMANDS)
    assert "..." not in result.output.partition("Commands:")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(call: Call, name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    edgeq {name}" in result.output
    assert "--json" in result.output
    assert "--quiet" in result.output


def test_help_is_fast() -> None:
    """In processor time, which is the same on a busy machine; start-up waits for nothing."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def seconds() -> float:
        before = spent()
        subprocess.run([EDGEQ, "--help"], check=True, capture_output=True)
        return spent() - before

    assert min(seconds() for _ in range(5)) < 0.4


def test_version(call: Call) -> None:
    assert call("--version").output == f"edgeq {edgeq.__version__}\n"


def test_runs_as_a_module() -> None:
    answer = subprocess.run([sys.executable, "-m", "edgeq", "--version"], capture_output=True, text=True, check=True)
    assert edgeq.__version__ in answer.stdout


@pytest.mark.parametrize("args", [["compil"], ["compile"], ["compile", "m.onnx", "--emit", "rust"], ["--jso"]])
def test_wrong_usage_is_exit_code_2(call: Call, args: list[str]) -> None:
    result = call(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: edgeq" in result.stderr
