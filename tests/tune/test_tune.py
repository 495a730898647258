"""`edgeq tune`, and compiling what it found, on a small network."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from edgeq.cli import main
from edgeq.cli.tune import view
from edgeq.config import Config
from edgeq.tune.picking import picked

TRIALS = 4
STACK = 64
"""Bytes by which the stack of a kernel with other numbers in it may differ."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tune")


@pytest.fixture(scope="module")
def asked(tiny: Any, folder: Path) -> list[str]:
    study = ["--study", str(folder / "study.db")]
    return [
        str(tiny.model),
        "--calib",
        str(tiny.calib),
        "--eval",
        str(tiny.eval),
        *study,
        "--jobs",
        "1",
        "--strategy",
        "random",
    ]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="edgeq")


@pytest.fixture(scope="module")
def report(asked: list[str], folder: Path) -> dict[str, Any]:
    budget = ["--max-loss", "20%", "--trials", TRIALS, "--plot", folder / "front.svg"]
    result = call("tune", *asked, *budget, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_front_is_reported_with_accuracy_on_unseen_samples(report: dict[str, Any]) -> None:
    assert report["trials"]["count"] == TRIALS
    losses = [row["loss"] for row in report["front"]]
    assert losses == sorted(losses)
    best = next(row for row in report["front"] if row["number"] == report["best"])
    assert best["drop"] <= 0.2
    assert best["flash_bytes"] == min(row["flash_bytes"] for row in report["front"] if row["drop"] <= 0.2)
    assert best["accuracy"]["samples"] == 100


def test_the_front_is_drawn(report: dict[str, Any], folder: Path) -> None:
    root = ElementTree.parse(folder / "front.svg").getroot()
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(report["front"])


def test_the_report_has_the_form_that_the_readme_states(report: dict[str, Any], repo_root: Path) -> None:
    found = re.search(r"<!-- tune -->\n```json\n(.*?)```", (repo_root / "docs/JSON.md").read_text(), re.DOTALL)
    assert found
    documented = json.loads(found[1])
    assert list(documented) == list(report)
    assert list(documented["front"][0]) == list(report["front"][0])


def test_a_budget_that_nothing_meets_is_exit_code_3_and_named(report: dict[str, Any], asked: list[str]) -> None:
    """And the same command runs no further trial."""
    result = call("tune", *asked, "--trials", TRIALS, "--max-flash", "1K", "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert document["front"] == report["front"]
    least = min(row["flash_bytes"] for row in document["front"])
    assert f"--max-flash by {least - 1024:,} bytes" in document["error"]["what"]
    assert document["best"] is None


def test_a_picked_trial_is_configured_as_it_was_tried(report: dict[str, Any], tiny: Any) -> None:
    row = report["front"][-1]
    config = Config(study=report["study"], preset="fast")
    chosen = picked(tiny.model, config, row["number"])
    widths = {f"{option}:{layer}": bits for layer, given in chosen.layers.items() for option, bits in given.items()}
    assert widths.items() <= row["choices"].items()
    assert chosen.passes["calibrate"]["method"] == row["choices"]["calibration_method"]  # type: ignore[index]
    assert chosen.passes["correct_bias"] == row["choices"]["correct_bias"]
    assert "correct_bias" not in picked(tiny.model, replace(config, preset="balanced"), row["number"]).passes


def test_automatic_bits_are_compiled_as_the_search_found_them(
    report: dict[str, Any], asked: list[str], folder: Path
) -> None:
    options = ["--bits", "auto", "--trials", TRIALS, "--max-loss", "20%", "--preset", "fast", "-o", folder / "auto"]
    result = call("compile", *asked, *options, "--json")
    assert result.exit_code == 0, result.stderr
    compiled = json.loads(result.stdout)
    best = next(row for row in report["front"] if row["number"] == report["best"])
    assert compiled["accuracy"]["samples"] == 100
    assert compiled["memory"]["flash_bytes"]["weights"] == best["weight_bytes"]
    assert compiled["memory"]["ram_bytes"]["total"] == pytest.approx(best["ram_bytes"], abs=STACK)


def test_people_see_the_front(report: dict[str, Any]) -> None:
    console = Console(width=160, file=io.StringIO())
    for part in view(Config(), report):
        console.print(part)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{TRIALS} trials" in shown
    assert len([line for line in shown.splitlines() if "best within the budgets" in line]) == 1
