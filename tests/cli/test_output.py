"""Results: JSON alone on stdout, tables for people, nothing where quiet is asked for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.cli.output import Output
from edgeq.cli.safe import plain, printable
from edgeq.progress import silent

from .conftest import Call
from .test_app import EDGEQ


def test_plain_has_only_what_json_has() -> None:
    value = {
        "numpy": [np.float32(0.5), np.int64(3), np.bool_(True)],
        "array": np.array([[1.0, np.nan]]),
        "infinite": (float("inf"), -np.inf, np.float64("nan")),
        "path": Path("a/b"),
        7: None,
    }
    expected = {
        "numpy": [0.5, 3, True],
        "array": [[1.0, None]],
        "infinite": [None, None, None],
        "path": "a/b",
        "7": None,
    }
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


def test_printable_keeps_lines_and_letters() -> None:
    assert printable("für\n\x1b[2J\u202e") == "für\n?[2J?"


@pytest.mark.parametrize("flag", ["as_json", "quiet"])
def test_no_progress_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Output(**{flag: True}).progress() as progress:
        assert progress is silent


def test_no_progress_without_a_terminal() -> None:
    with Output().progress() as progress:
        assert progress is silent


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with Output().progress() as progress:
        progress("calibrate [/bold]\x1b", 1, 2)
        progress("write", 0, 0)
    printed = capsys.readouterr()
    assert "write" in printed.err
    assert printed.out == ""


def compiled(monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    """Makes `edgeq compile` give this report."""
    from edgeq.compiler import CompileResult

    monkeypatch.setattr("edgeq.compiler.compile_model", lambda *args: CompileResult(Path("out/digits"), report))


def test_tables(call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    compiled(monkeypatch, report)
    result = call("compile", "m.onnx", "--max-ram", "8K")
    assert result.exit_code == 0
    for shown in ("98.83 %", "98.66 %", "28,888", "share of 8,192 bytes", "54.6 %", "1.333 x", "out/digits"):
        assert shown in result.stdout
    assert "/layer19[/bold]?[31m" in result.stdout
    assert "/layer3[" not in result.stdout
    assert result.stderr == "warning: NO CALIBRATION DATA\n"


def test_without_evaluation_data_there_is_no_accuracy(
    call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]
) -> None:
    compiled(monkeypatch, {**report, "accuracy": None})
    assert "Accuracy" not in call("compile", "m.onnx").stdout


def test_sqnr_is_in_decibel(call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    accuracy = {"metric": "sqnr", "float": None, "quantized": 31.42, "samples": 3}
    compiled(monkeypatch, {**report, "accuracy": accuracy})
    assert "31.42 dB" in call("compile", "m.onnx").stdout


def test_json_is_the_report_and_nothing_else(
    call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]
) -> None:
    compiled(monkeypatch, report)
    shown = json.loads(call("compile", "m.onnx", "--json").stdout)
    assert shown["layers"][0]["sqnr_db"] is None
    assert {**shown, "layers": None} == {**report, "layers": None}


def test_quiet_leaves_warnings(call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    compiled(monkeypatch, report)
    result = call("compile", "m.onnx", "--quiet")
    assert result.stdout == ""
    assert "NO CALIBRATION DATA" in result.stderr


def test_tables_on_a_terminal_that_knows_only_ascii() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([EDGEQ, "targets"], env=env, capture_output=True, check=True)
    assert b"cortex-m4" in done.stdout
