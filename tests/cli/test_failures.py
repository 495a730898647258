"""Failures: one message, the right exit code, never a traceback, and JSON where it is asked for."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from edgeq.errors import EdgeqError, GateError, ModelError, UsageError

from .conftest import Call
from .test_app import EDGEQ


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes `edgeq compile` fail with `error`."""

    def compile_model(*args: object) -> None:
        raise error

    monkeypatch.setattr("edgeq.compiler.compile_model", compile_model)


@pytest.mark.parametrize(("kind", "code"), [(ModelError, 1), (UsageError, 2)])
def test_error_is_shown_with_its_exit_code(
    call: Call, monkeypatch: pytest.MonkeyPatch, kind: type[EdgeqError], code: int
) -> None:
    raising(monkeypatch, kind("it is broken", file="m.onnx", node="conv", tensor="w", fix="mend it"))
    result = call("compile", "m.onnx")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr == "error: it is broken (file 'm.onnx', node 'conv', tensor 'w')\n  try: mend it\n"


def test_error_as_json(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ModelError("it is broken", file="m.onnx", node="conv"))
    result = call("compile", "m.onnx", "--json")
    assert result.exit_code == 1
    expected = {"what": "it is broken", "file": "m.onnx", "node": "conv", "tensor": None, "fix": None}
    assert json.loads(result.stdout) == {"error": expected}
    assert result.stderr.startswith("error: it is broken")


def test_usage_error_of_click_as_json(call: Call) -> None:
    result = call("compile", "m.onnx", "--no-such-option", "--json")
    assert result.exit_code == 2
    assert "--no-such-option" in json.loads(result.stdout)["error"]["what"]


def test_error_text_cannot_drive_the_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ModelError("operator '\x1b]0;owned\x07' is unknown"))
    result = call("compile", "m.onnx")
    assert "\x1b" not in result.stderr
    assert "owned" in result.stderr


def test_missed_gate_shows_the_report_and_exits_with_3(
    call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]
) -> None:
    raising(monkeypatch, GateError("flash is 1 byte over the budget", report=report))
    result = call("compile", "m.onnx", "--max-flash", "16K")
    assert result.exit_code == 3
    assert "share of 16,384 bytes" in result.stdout
    assert "error: flash is 1 byte over the budget" in result.stderr
    assert "Firmware package" not in result.stdout


def test_missed_gate_as_json_is_one_document(
    call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]
) -> None:
    raising(monkeypatch, GateError("too large", report=report))
    result = call("compile", "m.onnx", "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert document["error"]["what"] == "too large"
    assert document["memory"] == report["memory"]


def test_bug_is_no_traceback_unless_asked_for(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyError("conv_7"))
    result = call("compile", "m.onnx")
    assert result.exit_code == 1
    assert "KeyError: 'conv_7'" in result.stderr
    assert "report this as a bug" in result.stderr
    assert "Traceback" not in result.output
    monkeypatch.setenv("EDGEQ_DEBUG", "1")
    assert "Traceback" in call("compile", "m.onnx").output


def test_full_disk_is_not_called_a_bug(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/report.json"))
    result = call("compile", "m.onnx")
    assert result.exit_code == 1
    assert result.stderr == "error: No space left on device (file 'out/report.json')\n"


def test_missing_python_package_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ModuleNotFoundError("No module named 'tvm'", name="tvm"))
    result = call("compile", "m.onnx")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the Python package tvm is not installed")


def test_missing_module_of_our_own_is_a_bug(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ModuleNotFoundError("No module named 'edgeq.x'", name="edgeq.x"))
    assert "report this as a bug" in call("compile", "m.onnx").stderr


def test_interrupt(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    result = call("compile", "m.onnx")
    assert result.exit_code == 128 + signal.SIGINT
    assert result.stderr == "interrupted\n"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_closed_pipe_ends_quietly(form: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run([EDGEQ, "targets", *form], stdout=closed, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b""
    assert done.returncode == 1


def test_exit_code_reaches_the_shell() -> None:
    command = [sys.executable, "-m", "edgeq", "inspect", "no-such-model.onnx", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["file"] == "no-such-model.onnx"
    assert "Traceback" not in done.stderr
