"""Compilers as the tests of packages use them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# What generated C must compile under without a word.
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


def need(tool: str) -> str:
    """Path of a program; without it the test is skipped, or fails where a skip would go unseen."""
    path = shutil.which(tool)
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{tool} is not installed")
    return path


def run(*command: object, cwd: Path | None = None) -> str:
    """Output of a command that must succeed and say nothing on stderr."""
    words = [str(word) for word in command]
    done = subprocess.run([need(words[0]), *words[1:]], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout
