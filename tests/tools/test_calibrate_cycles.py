"""The committed scale of the cycle table is what its calibration gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tooling import need_board, need_tools

from edgeq.cycles.core import load_core
from edgeq.targets.load import load_target


def test_the_scale_is_that_of_the_published_times(repo_root: Path) -> None:
    need_board(load_target("cortex-m4"))
    need_tools("gcc")
    command = [sys.executable, repo_root / "tools/calibrate_cycles"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    scale, residual = (float(re.search(rf"^{key} = (.*)$", text, re.M)[1]) for key in ("scale", "residual"))
    core = load_core("cortex-m4")
    assert scale == pytest.approx(core.scale, rel=0.005)
    assert residual == pytest.approx(core.residual, abs=0.003)
