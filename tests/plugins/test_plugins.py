"""Plug-ins in a virtual environment of their own, as users have them."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from edgeq.targets.load import load_target, read_target

EXAMPLE = Path(__file__).parent.parent / "plugin_example"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Path:
    """Of an environment that sees the packages of this one, and has two plug-ins more."""
    root = tmp_path_factory.mktemp("plugins")
    venv.create(root / "venv")
    here = Path(sysconfig.get_path("purelib"))
    path = Path(sysconfig.get_path("purelib", vars={"base": str(root / "venv")}))
    (path / "outer.pth").write_text(f"import site; site.addsitedir({str(here)!r})\n")
    subprocess.run([sys.executable, repo_root / "tools/new_target", "my-board", "-o", root / "my-board"], check=True)
    for plugin in (_copy(EXAMPLE, root / "example"), root / "my-board"):
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(path)]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, str(plugin)], check=True)
    return root / "venv/bin/python"


def _copy(project: Path, to: Path) -> Path:
    """A copy to build in: building leaves folders behind."""
    for file in project.rglob("*"):
        if file.suffix in {".py", ".toml"}:
            (to / file.relative_to(project)).parent.mkdir(parents=True, exist_ok=True)
            (to / file.relative_to(project)).write_bytes(file.read_bytes())
    return to


def edgeq(python: Path, *arguments: object) -> dict:
    """What a command prints with --json."""
    command = [str(python), "-m", "edgeq", *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_boards_of_plugins_are_targets(python: Path) -> None:
    names = {target["name"] for target in edgeq(python, "targets")["targets"]}
    assert {"cortex-m4", "example-m4", "my-board"} <= names


def test_a_package_with_the_plugins_kernel_and_pass_gives_equal_bytes(python: Path, digits, tmp_path: Path) -> None:
    out = tmp_path / "package"
    passes = ("--pass", "prune_weights.threshold=0.1")
    report = edgeq(
        python, "compile", digits.model, "--target", "example-m4", "--calib", digits.calib, "-o", out, *passes
    )
    assert ("prune_weights", True) in [(row["name"], row["changed"]) for row in report["passes"]]
    assert edgeq(python, "verify", out, "--samples", 2)["equal"]


def test_a_scaffolded_target_finds_its_kernels(python: Path) -> None:
    code = "from edgeq.lower.select import rules; from edgeq.targets.load import load_target as load"
    check = "assert rules(load('my-board')) == rules(load('cortex-m4'))"
    subprocess.run([str(python), "-c", f"{code}; {check}"], check=True)


def test_a_scaffolded_device_is_one_for_designs_of_its_family(repo_root: Path, tmp_path: Path) -> None:
    command = [sys.executable, repo_root / "tools/new_target", "large", "--like", "pynq-z2", "-o", tmp_path / "large"]
    subprocess.run(command, check=True)
    board = read_target(tmp_path / "large/edgeq_large/boards/large.toml")
    assert (board.name, board.family, board.fpga) == ("large", "hls", load_target("fpga-hls").fpga)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["My Board"], "is no name for a target"), (["mine", "--like", "cortex-m44"], "--target cortex-m4")],
)
def test_new_target_explains_what_is_wrong(
    repo_root: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    command = [sys.executable, repo_root / "tools/new_target", *arguments, "-o", tmp_path / "new"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert complaint in result.stderr
    assert not (tmp_path / "new").exists()
