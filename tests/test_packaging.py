"""What is in the source folders is in the wheel: a package left out of setup.cfg works only while editable."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDERS = {"edgeq": "edgeq", "passes": "edgeq/passes", "targets": "edgeq/targets"}


@pytest.fixture(scope="module")
def wheel_names(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from a copy: a build in place would leave its own folders, and take old ones along."""
    copy = tmp_path_factory.mktemp("wheel") / "source"
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in FOLDERS:
        shutil.copytree(repo_root / folder, copy / folder, ignore=ignore)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repo_root / name, copy)
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(copy.parent)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(copy)], check=True)
    (wheel,) = copy.parent.glob("edgeq-*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_package_folder_is_listed(repo_root: Path) -> None:
    config = configparser.ConfigParser()
    config.read(repo_root / "setup.cfg")
    found = {
        ".".join((Path(inside) / path.parent.relative_to(repo_root / folder)).parts)
        for folder, inside in FOLDERS.items()
        for path in (repo_root / folder).rglob("*.py")
    }
    assert found == set(config["options"]["packages"].split())


def test_wheel_holds_every_module_and_data_file(repo_root: Path, wheel_names: set[str]) -> None:
    expected = {
        f"{inside}/{path.relative_to(repo_root / folder)}"
        for folder, inside in FOLDERS.items()
        for path in (repo_root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected == {name for name in wheel_names if name.startswith("edgeq/")}


def test_wheel_holds_the_licence(wheel_names: set[str]) -> None:
    assert [name for name in wheel_names if name.endswith("LICENSE")]
