"""Walks one model through the rooms: frontend, quantization, integer program, kernels, package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.config import Config
from edgeq.errors import GateError, UsageError
from edgeq.measure import check_inputs, golden_inputs, measure_accuracy, pass_rows, serialize
from edgeq.progress import Progress, silent
from edgeq.quantizer import Quantized, quantize

if TYPE_CHECKING:
    from edgeq.fitting import Fitted
    from edgeq.package.source import PackageSource
    from edgeq.program.builder import Built
    from edgeq.targets.target import Target


@dataclass(frozen=True, eq=False)
class CompileResult:
    """What a compilation made.

    Attributes:
        out: The package's folder.
        report: Content of its report.json.
    """

    out: Path
    report: dict[str, Any]


def compile_model(model: Path, config: Config, progress: Progress | None = None) -> CompileResult:
    """Compiles a model into a firmware package.

    Raises:
        EdgeqError: Something is wrong with the request, the model, the data or the disk; nothing was written.
        GateError: A budget or the accuracy gate is not met; nothing was written. Has the report as `report`.
    """
    from edgeq.fpga_compiler import build_fpga_package
    from edgeq.package.build import build_package
    from edgeq.package.names import program_name
    from edgeq.package.write import check_replaceable, write_package
    from edgeq.targets.load import load_target

    progress = progress or silent
    target = load_target(config.target)
    float_abi = _float_abi(target, config.float_abi)
    name = program_name(config.name or model.stem)
    out = config.out or Path(f"{name}-{target.name}")
    check_replaceable(out)
    _check_request(config)
    _check_options(target, config)
    config = _allocated(model, config, progress)
    quantized = quantize(model, config, progress)
    if target.fpga is None:
        source = _lower(model, quantized, name, target, float_abi, config, progress)
        files, report = build_package(source), source.report
    else:
        files, report = build_fpga_package(model, quantized, name, target, config, progress)
    _check_gates(report, config)
    progress("write package", 0, 0)
    write_package(files, out)
    return CompileResult(out, dict(report))


def quantize_model(model: Path, out: Path, config: Config, progress: Progress | None = None) -> dict[str, Any]:
    """Quantizes a model and writes it as QDQ ONNX.

    Returns:
        `model` (path), `accuracy` (or None), `passes`, `warnings`.

    Raises:
        EdgeqError: As `compile_model`.
    """
    from edgeq.package.write import write_file
    from edgeq.program.builder import build

    progress = progress or silent
    _check_request(config)
    quantized = quantize(model, config, progress)
    built = build(quantized.model, "model")
    accuracy = measure_accuracy(quantized, built, config, progress)
    report = {
        "model": str(out),
        "accuracy": None if accuracy is None else accuracy.to_dict(),
        "passes": pass_rows(quantized),
        "warnings": quantized.warnings,
    }
    _check_gates(report, config)
    write_file(serialize(quantized), out)
    return report


def _check_request(config: Config) -> None:
    if config.min_accuracy is not None and config.eval is None:
        raise UsageError("--min-accuracy needs evaluation data", fix="give them with --eval")


def _check_options(target: Target, config: Config) -> None:
    """Refuses budgets and forms that this kind of target does not have."""
    kinds = {True: ("max_dsp", "max_bram", "target_fps"), False: ("max_flash", "max_weights", "max_ram", "max_cycles")}
    for option in kinds[target.fpga is None]:
        if getattr(config, option) is not None:
            raise UsageError(f"{target.name} has no budget --{option.replace('_', '-')}", fix="leave it out")
    for option, value in {"emit": "c", "patch": "on", "io": "caller"}.items():
        if target.fpga and getattr(config, option) == value:
            raise UsageError(f"{target.name} has no --{option} {value}: it is no firmware", fix="leave it out")


def _allocated(model: Path, config: Config, progress: Progress) -> Config:
    """The configuration with the widths of a trial, where one is picked or searched for."""
    if config.pick is None and config.bits == "uniform":
        return config
    from edgeq.tune.picking import picked, searched

    return searched(model, config, progress) if config.pick is None else picked(model, config, config.pick)


def _float_abi(target: Target, asked: str | None) -> str:
    if asked is not None and asked not in target.float_abis:
        fix = f"it offers: {', '.join(target.float_abis)}" if target.float_abis else "leave it out: there is no choice"
        raise UsageError(f"{target.name} has no float ABI {asked!r}", fix=fix)
    return asked or next(iter(target.float_abis), "")


def _lower(
    model: Path, quantized: Quantized, name: str, target: Target, float_abi: str, config: Config, progress: Progress
) -> PackageSource:
    """Everything that the package is made from."""
    from edgeq.fitting import lower_to_fit
    from edgeq.lower.c_source import c_sources
    from edgeq.lower.select import for_c
    from edgeq.package.source import PackageSource
    from edgeq.program.builder import Interface, build
    from edgeq.program.interpreter import interpret
    from edgeq.program.printer import print_program
    from edgeq.program.rewrites import optimize
    from edgeq.version import __version__

    progress("build program", 0, 0)
    built = build(quantized.model, name, Interface(config.io_layout, config.input_type, config.io))
    program = optimize(built.program)
    progress("generate kernels", 0, 0)
    fitted = lower_to_fit(program, for_c(target) if config.emit == "c" else target, float_abi, config)
    lowered = fitted.lowered
    real, integers = check_inputs(quantized, built, config)
    golden = golden_inputs(integers)
    report = _report(quantized, built, fitted, real, integers, config, progress)
    return PackageSource(
        lowered,
        c_sources(lowered) if config.emit == "c" else fitted.objects,
        golden,
        interpret(program, golden),
        float_abi,
        sha256(model.read_bytes()).hexdigest(),
        serialize(quantized),
        print_program(lowered.program),
        report,
        __version__,
        config.io_layout,
        fitted.patches,
    )


def _report(
    quantized: Quantized,
    built: Built,
    fitted: Fitted,
    real: Mapping[str, np.ndarray],
    integers: Mapping[str, np.ndarray],
    config: Config,
    progress: Progress,
) -> dict[str, Any]:
    """The report of the lowered program. Its layers are checked as built, where they still are the model's tensors."""
    from edgeq.package.sizes import flash_bytes, ram_bytes
    from edgeq.report.conformance import compare_with_onnxruntime
    from edgeq.report.layers import layer_noise, layer_rows
    from edgeq.report.report import make_report, memory_report
    from edgeq.report.stored import stored_wide

    lowered, objects = fitted.lowered, fitted.objects
    progress("check kernels against onnxruntime", 0, 0)
    noise = {} if quantized.imported else layer_noise(built, quantized.prepared, real, integers)
    return make_report(
        program=lowered.program,
        target=lowered.target.name,
        accuracy=measure_accuracy(quantized, built, config, progress),
        resources=memory_report(
            flash_bytes(lowered, objects), ram_bytes(lowered, objects), lowered.plan, fitted.patch_report()
        ),
        layers=layer_rows(lowered.program, noise),
        conformance=compare_with_onnxruntime(quantized.model, built, real, integers),
        passes=pass_rows(quantized),
        warnings=[*quantized.warnings, *stored_wide(lowered)],
    )


def _check_gates(report: Mapping[str, Any], config: Config) -> None:
    """Holds the report against what the user asked for.

    Raises:
        GateError: Names each gate that is not met, and by how much.
    """
    missed = []
    memory = report.get("memory")
    for label, kind, part, limit in (
        ("flash", "flash_bytes", "total", config.max_flash),
        ("weights", "flash_bytes", "weights", config.max_weights),
        ("RAM", "ram_bytes", "total", config.max_ram),
    ):
        if limit is not None and memory is not None and memory[kind][part] > limit:
            used = memory[kind][part]
            missed.append(f"{label} {used} bytes is {used - limit} over the budget of {limit}")
    if config.min_accuracy is not None:
        accuracy = report["accuracy"]
        reached = accuracy["quantized"]
        if reached is not None and reached < config.min_accuracy:
            missed.append(f"{accuracy['metric']} {reached:.4f} is below {config.min_accuracy:g}")
    if missed:
        raise GateError("; ".join(missed), fix="relax the gate, or see the report", report=dict(report))
