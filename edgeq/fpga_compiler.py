"""From a quantized model to an FPGA package: dataflow, folding, sources."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.config import Config
from edgeq.measure import check_inputs, golden_inputs, measure_accuracy, pass_rows, serialize
from edgeq.progress import Progress
from edgeq.quantizer import Quantized

if TYPE_CHECKING:
    from edgeq.fpga.folding import Budget
    from edgeq.targets.target import Target


def build_fpga_package(
    model: Path, quantized: Quantized, name: str, target: Target, config: Config, progress: Progress
) -> tuple[dict[str, bytes], Mapping[str, Any]]:
    """The files of the package, by path, and its report.

    Raises:
        GateError: No design within the budget is fast enough, or none fits at all.
        UnsupportedError: The target cannot compute an operator.
    """
    from edgeq.fpga.backend import load_backend
    from edgeq.fpga.dataflow import dataflow
    from edgeq.fpga.estimate import estimate
    from edgeq.fpga.folding import fold
    from edgeq.fpga.package import FpgaSource, fpga_package
    from edgeq.program.builder import Interface, build
    from edgeq.program.interpreter import interpret
    from edgeq.program.rewrites import optimize
    from edgeq.report.conformance import compare_with_onnxruntime
    from edgeq.report.layers import layer_noise, layer_rows
    from edgeq.report.report import make_report

    progress("build program", 0, 0)
    built = build(quantized.model, name, Interface(config.io_layout, config.input_type, "caller"))
    program = optimize(built.program)
    progress("fold layers", 0, 0)
    backend, budget = load_backend(target), _budget(target, config)
    design = fold(dataflow(program, backend.turns), budget, backend.cost)
    real, integers = check_inputs(quantized, built, config)
    golden = golden_inputs(integers)
    noise = {} if quantized.imported else layer_noise(built, quantized.prepared, real, integers)
    report = make_report(
        program=program,
        target=target.name,
        accuracy=measure_accuracy(quantized, built, config, progress),
        resources={"fpga": estimate(design, budget, backend.method)},
        layers=layer_rows(program, noise),
        conformance=compare_with_onnxruntime(quantized.model, built, real, integers),
        passes=pass_rows(quantized),
        warnings=quantized.warnings,
    )
    progress("generate sources", 0, 0)
    answers = interpret(program, golden)
    return fpga_package(
        FpgaSource(design, target, golden, answers, serialize(quantized), report, model, config.io_layout)
    ), report


def _budget(target: Target, config: Config) -> Budget:
    from edgeq.fpga.folding import Budget

    assert target.fpga is not None
    dsp = target.fpga.dsp if config.max_dsp is None else config.max_dsp
    bram = target.fpga.bram18 if config.max_bram is None else config.max_bram
    return Budget(dsp, bram, target.fpga.clock_mhz, config.target_fps, shifts=target.fpga.dsp)
