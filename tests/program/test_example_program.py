"""The shipped example's integer program, as a person reads it.

After a wanted change: EDGEQ_UPDATE_GOLDEN=1 pytest tests/program/test_example_program.py, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import onnx_ir as ir
from conftest import Example

from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.passes.annotations import RANGE_KEY
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.recipes import quantize_passes
from edgeq.pipeline import run_passes
from edgeq.program.builder import build_program
from edgeq.program.printer import print_program
from edgeq.quant.qparams import Range

GOLDEN = Path(__file__).parent / "golden/digits.txt"


class RoundRanges(ir.passes.InPlacePass):
    """Keeps two digits of every range: onnxruntime's last bits depend on the processor."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        for value in ir.convenience.create_value_mapping(model.graph).values():
            if RANGE_KEY in value.meta:
                found = value.meta[RANGE_KEY]
                value.meta[RANGE_KEY] = Range(float(f"{found.lo:.2g}"), float(f"{found.hi:.2g}"))
        return ir.passes.PassResult(model, modified=True)


def test_program_text(digits: Example) -> None:
    model = load_model(digits.model)
    passes = quantize_passes(load_samples(digits.calib, input_specs(model)))
    calibrated = next(number for number, pass_ in enumerate(passes, 1) if isinstance(pass_, Calibrate))
    passes.insert(calibrated, RoundRanges())
    text = print_program(build_program(run_passes(model, passes)[0], "digits"))
    if os.environ.get("EDGEQ_UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
