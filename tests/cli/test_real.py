"""The commands on the shipped example, as a user calls them: JSON is pure and has the form that docs/JSON.md states."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Example
from tooling import need_board

from edgeq.targets.load import load_target

from .test_app import EDGEQ


def answer(*args: object) -> Any:
    """What a command prints with `--json`; it succeeds, says nothing else and draws no progress."""
    done = subprocess.run([EDGEQ, *map(str, args), "--json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def documented(repo_root: Path) -> dict[str, Any]:
    """The JSON examples of the documentation by command."""
    blocks = re.findall(r"<!-- (\w+) -->\n```json\n(.*?)```", (repo_root / "docs/JSON.md").read_text(), re.DOTALL)
    return {name: json.loads(text) for name, text in blocks}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real") / "digits"


@pytest.fixture(scope="module")
def compiled(digits: Example, package: Path) -> Any:
    """The report of the shipped example."""
    return answer("compile", digits.model, "--calib", digits.calib, "--eval", digits.eval, "-o", package)


def assert_same_form(documented: object, found: object, where: str = "") -> None:
    """The same keys everywhere, in the same order; lists are compared by their first items."""
    if isinstance(documented, dict):
        assert isinstance(found, dict), where
        assert list(documented) == list(found), where
        for key, value in documented.items():
            assert_same_form(value, found[key], f"{where}.{key}")
    elif isinstance(documented, list) and documented:
        assert isinstance(found, list), where
        assert_same_form(documented[0], found[0], f"{where}[0]")
    elif isinstance(documented, str | bool):
        assert type(found) is type(documented), where


def test_compile(documented: dict[str, Any], compiled: Any, package: Path) -> None:
    assert_same_form(documented["compile"], compiled)
    assert compiled == json.loads((package / "report.json").read_text())
    accuracy = compiled["accuracy"]
    assert accuracy["quantized"] > accuracy["float"] - 0.01
    assert compiled["warnings"] == []


@pytest.mark.usefixtures("compiled")
def test_verify_and_bench(documented: dict[str, Any], package: Path) -> None:
    need_board(load_target("cortex-m4"))
    assert_same_form(documented["verify"], answer("verify", package, "--samples", 2))
    assert_same_form(documented["bench"], answer("bench", package))


@pytest.mark.parametrize("command", ["targets", "doctor"])
def test_what_is_here(documented: dict[str, Any], command: str) -> None:
    need_board(load_target("cortex-a510"))
    assert_same_form(documented[command], answer(command))


def test_inspect(documented: dict[str, Any], digits: Example) -> None:
    assert_same_form(documented["inspect"], answer("inspect", digits.model))


@pytest.mark.usefixtures("compiled")
def test_what_needs_no_tvm(digits: Example, package: Path, tmp_path: Path) -> None:
    """The README says what remains where TVM has no wheel."""
    commands = [
        ["quantize", digits.model, "--calib", digits.calib, "-o", tmp_path / "q.onnx"],
        ["run", package, "--on", "interpreter", "--inputs", digits.calib],
        ["inspect", package],
    ]
    start = "import sys; sys.modules['tvm'] = None; from edgeq.cli import main\n"
    calls = [f"main({[str(argument) for argument in command]}, standalone_mode=False)\n" for command in commands]
    subprocess.run([sys.executable, "-c", start + "".join(calls)], check=True, stdout=subprocess.DEVNULL)
