"""What the tests of the command line share: a way to call it, and a report to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edgeq.cli import main

Call = Callable[..., Result]


@pytest.fixture
def call() -> Call:
    """Calls `edgeq` with these arguments, in this process."""
    return lambda *args: CliRunner().invoke(main, [str(arg) for arg in args], prog_name="edgeq")


@pytest.fixture
def report() -> dict[str, Any]:
    """A report as a compilation gives it, with numbers that JSON does not have."""
    return {
        "name": "digits",
        "target": "cortex-m4",
        "accuracy": {"metric": "top1", "float": 0.9883, "quantized": 0.9866, "samples": 597},
        "memory": {
            "flash_bytes": {"code": 4232, "weights": 23456, "constants": 1200, "total": 28888},
            "ram_bytes": {"arena": 4096, "io": 74, "stack": 300, "statics": 0, "total": 4470},
            "arena": {"bytes": 4096, "lower_bound": 3072, "ratio": 1.3333},
        },
        "onnxruntime": {"max_steps": 1, "share": 0.0004, "samples": 8, "worst": "x"},
        "layers": [layer(i) for i in range(20)],
        "passes": [],
        "warnings": ["NO CALIBRATION DATA"],
    }


def layer(number: int) -> dict[str, Any]:
    """A layer that costs more and is less exact than those before it; a name that is markup and drives terminals."""
    return {
        "name": f"/layer{number}[/bold]\x1b[31m",
        "op": "Conv2d",
        "macs": 1000 * number,
        "weight_bits": 8 if number % 2 else None,
        "activation_bits": 8,
        "sqnr_db": float("inf") if number == 0 else 50.0 - number,
    }
