"""`edgeq compile --target fpga-hls`, as a user runs it."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from hls.simulation import need, simulate

from edgeq.cli import main


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def change_table(package: Path, copy: Path, file: str) -> Path:
    """A copy of a package whose table of numbers ends in another one, and whose manifest agrees."""
    shutil.copytree(package, copy)
    head, comma, last = (copy / file).read_text().rpartition(",")
    (copy / file).write_text(f"{head}{comma} {int(last) ^ 0x100000}\n")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][file] = sha256((copy / file).read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@pytest.fixture(scope="module")
def package(digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fpga") / "digits"
    data = ("--calib", digits.calib, "--eval", digits.eval, "--preset", "fast")
    result = run("compile", digits.model, "--target", "fpga-hls", *data, "--max-dsp", 60, "-o", out)
    assert result.exit_code == 0, result.output
    assert "inferences per second at 100 MHz" in result.output
    return out


def test_the_package_simulates(package: Path) -> None:
    need("g++", "make")
    result = simulate(package)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 samples, 0 wrong elements" in result.stdout


def test_the_estimate_says_what_it_is_and_keeps_the_budget(package: Path) -> None:
    estimate = json.loads((package / "estimate.json").read_text())
    assert estimate["method"] == "schedule model, not synthesized"
    assert estimate["dsp"]["used"] == sum(stage["dsp"] for stage in estimate["stages"]) <= 60
    assert estimate["interval"] == max(stage["cycles"] for stage in estimate["stages"])
    assert estimate == json.loads((package / "report.json").read_text())["fpga"]


def test_the_vendors_scripts_name_part_clock_and_top(package: Path) -> None:
    script, config = (package / name for name in ("run_hls.tcl", "hls_config.cfg"))
    for text in (script.read_text(), config.read_text()):
        assert "xc7z020clg400-1" in text
        assert "10.0" in text
        assert "src/digits.cpp" in text


def test_interface_pragmas_stand_on_the_top_function_only(package: Path) -> None:
    before, top = (package / "src/digits.cpp").read_text().split("\nvoid digits(")
    assert "INTERFACE" not in before
    assert top.count("#pragma HLS INTERFACE axis") == 2
    assert top.count("#pragma HLS DATAFLOW") == 1


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (("--target", "fpga-hls", "--max-dsp", 20), 3, "DSP slices are"),
        (("--target", "fpga-hls", "--target-fps", 10**7), 3, "below the target of 1e+07"),
        (("--target", "fpga-hls", "--max-ram", "10K"), 2, "fpga-hls has no budget --max-ram"),
        (("--target", "fpga-hls", "--emit", "c"), 2, "fpga-hls has no --emit c"),
        (("--target", "fpga-rtl", "--io", "caller"), 2, "fpga-rtl has no --io caller"),
        (("--target", "fpga-rtl", "--float-abi", "hard"), 2, "leave it out: there is no choice"),
        (("--target", "cortex-m4", "--max-dsp", 20), 2, "cortex-m4 has no budget --max-dsp"),
    ],
)
def test_requests_that_cannot_be_met(digits, tmp_path: Path, options: tuple, code: int, complaint: str) -> None:
    result = run("compile", digits.model, "--calib", digits.calib, "--preset", "fast", *options, "-o", tmp_path / "new")
    assert result.exit_code == code
    assert complaint in " ".join(result.output.split())
    assert not (tmp_path / "new").exists()


def test_verify_simulates_the_package(package: Path) -> None:
    need("g++", "make")
    result = run("verify", package, "--samples", 3)
    assert result.exit_code == 0, result.output
    assert "equal bytes on 3 samples: interpreter, csim" in result.output


def test_verify_names_the_sample_that_differs(package: Path, tmp_path: Path) -> None:
    need("g++", "make")
    wrong = change_table(package, tmp_path / "digits", "src/stage7_bias.inc")
    result = run("verify", wrong, "--samples", 2, "--json")
    assert result.exit_code == 1
    difference = {"runner": "csim", "sample": 0, "kernel": None, "name": "out0"}
    assert json.loads(result.stdout)["first_difference"] == difference


def test_a_missing_simulator_is_named(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("verify", package)
    assert result.exit_code == 1
    assert "g++ is not installed" in result.output
    assert "sudo apt-get install g++" in result.output
