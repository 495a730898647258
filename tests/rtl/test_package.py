"""`edgeq compile --target fpga-rtl`, as a user runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli.test_real import assert_same_form
from click.testing import CliRunner
from hls.simulation import need
from lower.operators import Case, program_of

from edgeq.cli import main
from edgeq.errors import UnsupportedError
from edgeq.fpga.dataflow import dataflow
from edgeq.program.ops import Fill
from edgeq.program.program import Buffer
from edgeq.rtl.cost import stage_cost
from edgeq.targets.hls.fold import Fold


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def package(digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fpga") / "digits"
    options = ("--calib", digits.calib, "--preset", "fast", "--max-dsp", 50, "--weight-bits", 4)
    result = run("compile", digits.model, "--target", "fpga-rtl", *options, "-o", out)
    assert result.exit_code == 0, result.output
    return out


def test_the_shipped_example_as_simulated(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's integers, in the cycles of the estimate."""
    need("verilator", "g++", "make")
    monkeypatch.setenv("OPTIMIZE", "-O0")  # a variable of the Makefile
    result = run("verify", package, "--samples", 4, "--json")
    assert result.exit_code == 0, result.output
    verdict, estimate = json.loads(result.stdout), json.loads((package / "estimate.json").read_text())
    assert (verdict["equal"], verdict["samples"], verdict["runners"]) == (True, 4, ["interpreter", "sim"])
    assert verdict["cycles"] == estimate["interval"]


def test_the_estimate_keeps_the_budget_and_counts_logic(package: Path, repo_root: Path) -> None:
    estimate = json.loads((package / "estimate.json").read_text())
    stated = re.search(r"<!-- estimate -->\n```json\n(.*?)```", (repo_root / "docs/JSON.md").read_text(), re.DOTALL)
    assert stated
    assert_same_form(json.loads(stated[1]), estimate)
    assert estimate["dsp"]["used"] == sum(stage["dsp"] for stage in estimate["stages"]) <= 50
    assert estimate["lut"] == sum(stage["lut"] for stage in estimate["stages"]) > 0
    assert estimate["interval"] == max(stage["cycles"] for stage in estimate["stages"])


def test_there_are_no_instructions_to_count(package: Path) -> None:
    result = run("bench", package)
    assert result.exit_code == 2
    assert "'fpga-rtl' executes no instructions" in result.output
    assert "estimate.json" in result.output


def test_tables_lie_in_files_of_their_own(package: Path) -> None:
    words = (package / "rom/stage7_weights.hex").read_text().split()
    stage = json.loads((package / "estimate.json").read_text())["stages"][7]
    lanes = stage["outputs_at_once"] * stage["inputs_at_once"]
    assert len(words) * lanes == 10 * 32
    assert {len(word) for word in words} == {-(-4 * lanes // 4)}


def test_an_operator_without_engine_is_named() -> None:
    op = Fill("fill", "y", 3)
    buffers = {"y": Buffer("y", (2, 3))}
    flow = dataflow(program_of([Case(op, buffers)]))
    with pytest.raises(UnsupportedError, match="fpga-rtl has no engine for this fill") as caught:
        stage_cost(flow.stages[0], Fold(), flow)
    assert caught.value.node == "fill"
