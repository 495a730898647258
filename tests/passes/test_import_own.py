"""What edgeq quantized, it reads again: the integer program is the same, whatever the widths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx_ir as ir
import pytest

from edgeq.config import Config
from edgeq.measure import serialize
from edgeq.passes.import_quantized import is_quantized
from edgeq.program.builder import build
from edgeq.program.printer import print_program
from edgeq.progress import silent
from edgeq.quantizer import quantize

ROOT = Path(__file__).resolve().parents[2]


def program_text(model: ir.Model) -> str:
    """The integer program with its weights, without the names that the builder gives."""
    return print_program(build(model, "model").program)


@pytest.mark.parametrize(
    ("model", "weights", "activations"),
    [
        ("digits/digits", 8, 8),
        ("digits/digits", 4, 8),
        ("digits/digits", 2, 8),
        ("digits/digits", 8, 16),
        ("digits/digits", 4, 4),
        ("digits/lstm", 8, 8),
        ("digits/gru", 8, 16),
        ("names/names", 4, 8),
    ],
)
def test_own_models_come_back(tmp_path: Path, model: str, weights: int, activations: int) -> None:
    samples = ROOT / "calib_data" / model.split("/")[0] / "calib.npz"
    config = Config(calib=samples, preset="fast", weight_bits=weights, activation_bits=activations)
    first = quantize(ROOT / f"examples/{model}.onnx", config, silent)
    path = tmp_path / "quantized.onnx"
    path.write_bytes(serialize(first))
    again = quantize(path, replace(config, calib=None), silent)
    assert is_quantized(again.reference) and again.imported
    assert program_text(again.model) == program_text(first.model)
