"""The verbs of the command line as Python functions. Importing this is cheap: the rooms load when a verb is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeq.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from edgeq.compiler import CompileResult

    PathLike = str | os.PathLike[str]
    Data = PathLike | Mapping[str, np.ndarray] | np.ndarray


def compile(
    model: PathLike,
    target: str = "cortex-m4",
    *,
    calibration: Data | None = None,
    evaluation: Data | None = None,
    out: PathLike | None = None,
    progress: Progress = silent,
    **options: object,
) -> CompileResult:
    """Compile an ONNX model to a firmware package, as `edgeq compile` does.

    Args:
        model: The ONNX file.
        target: Name or alias of a target.
        calibration: A file or folder, or arrays (samples, *input shape) by input name; a lone array for a model with
            one input. None calibrates on random data.
        evaluation: The same, to measure accuracy on; with `labels` where the metric needs them.
        out: Folder of the package.
        options: Other fields of `edgeq.config.Config`, such as `max_flash="256K"`.

    Raises:
        EdgeqError: The model, the data or an option cannot be used; `GateError` if a budget or gate is not met.
    """
    from edgeq.compiler import compile_model
    from edgeq.config import load_config

    given = {"calib": _by_name(calibration, model), "eval": _by_name(evaluation, model)}
    config = load_config(None, {**options, **given, "target": target, "out": out})
    return compile_model(Path(model), config, progress)


def tune(
    model: PathLike,
    target: str = "cortex-m4",
    *,
    calibration: Data | None = None,
    evaluation: Data | None = None,
    progress: Progress = silent,
    **options: object,
) -> dict[str, Any]:
    """Search widths and ranges under budgets, as `edgeq tune` does; returns its report.

    Arguments are those of `compile`.

    Raises:
        EdgeqError: As `compile`; `GateError`, which has the report, where no trial is within the budgets.
    """
    from edgeq.config import load_config
    from edgeq.tune.tuner import tune_model

    given = {"calib": _by_name(calibration, model), "eval": _by_name(evaluation, model)}
    config = load_config(None, {**options, **given, "target": target})
    return tune_model(Path(model), config, progress).report


def quantize(
    model: PathLike,
    out: PathLike,
    *,
    calibration: Data | None = None,
    evaluation: Data | None = None,
    progress: Progress = silent,
    **options: object,
) -> dict[str, Any]:
    """Quantize an ONNX model to QDQ ONNX in the file `out`, as `edgeq quantize` does; returns its report.

    Arguments and errors are those of `compile`.
    """
    from edgeq.compiler import quantize_model
    from edgeq.config import load_config

    given = {"calib": _by_name(calibration, model), "eval": _by_name(evaluation, model)}
    return quantize_model(Path(model), Path(out), load_config(None, {**options, **given}), progress)


def run(
    package: PathLike,
    inputs: PathLike,
    *,
    on: Literal["interpreter", "host", "qemu", "native"] = "interpreter",
    output: PathLike | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Run a firmware package on the samples of a file, as `edgeq run` does; returns what it printed.

    Raises:
        EdgeqError: The package is damaged, the samples do not fit, or a tool is missing.
    """
    from edgeq.run.run import run_package

    return run_package(Path(package), on, Path(inputs), None if output is None else Path(output), progress)


def verify(
    package: PathLike,
    samples: int | None = None,
    *,
    inputs: PathLike | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Compare all runners byte by byte, as `edgeq verify` does; the result's `equal` says how it went.

    Raises:
        EdgeqError: The package is damaged, or the samples do not fit.
    """
    from edgeq.run.verify import verify_package

    return verify_package(Path(package), samples, None if inputs is None else Path(inputs), progress)


def bench(package: PathLike, *, progress: Progress = silent) -> dict[str, Any]:
    """Instructions, flash, arena and stack on the emulated board, as `edgeq bench` does.

    Raises:
        EdgeqError: The package is damaged, or a tool is missing.
    """
    from edgeq.run.bench import bench_package

    return bench_package(Path(package), progress)


def debug(
    path: PathLike,
    *,
    calibration: Data | None = None,
    evaluation: Data | None = None,
    attribution: bool = False,
    progress: Progress = silent,
    **options: object,
) -> dict[str, Any]:
    """Where quantization loses precision, by layer and, with `attribution`, by pass, as `edgeq debug` shows it.

    Args:
        path: ONNX model, or the folder of a package.
        calibration, evaluation, options: As of `compile`; arrays by input name for a package.

    Raises:
        EdgeqError: As `quantize`, or the package is damaged.
    """
    from edgeq.config import load_config
    from edgeq.debugger import debug as run_debugger

    given = {"calib": _by_name(calibration, path), "eval": _by_name(evaluation, path)}
    config = load_config(None, {**options, **given})
    return run_debugger(Path(path), config, attribution=attribution, progress=progress)


def inspect(path: PathLike, shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Any]:
    """What is in a model, or under `program` the text of a package's integer program, as `edgeq inspect` does.

    Raises:
        EdgeqError: The model or package cannot be read.
    """
    from edgeq.report.inspect import inspect_model, inspect_package

    if Path(path).is_dir():
        return {"program": inspect_package(Path(path))}
    return inspect_model(Path(path), shapes or {})


def _by_name(data: Data | None, model: PathLike) -> object:
    """A lone array under the name of the model's only input; all else as it is.

    Raises:
        UsageError: The model has several inputs.
    """
    if not hasattr(data, "__array__"):
        return data
    from edgeq.errors import UsageError
    from edgeq.frontend.read import read_proto

    graph = read_proto(Path(model)).graph
    constants = {tensor.name for tensor in graph.initializer}
    names = [value.name for value in graph.input if value.name not in constants]
    if len(names) != 1:
        raise UsageError(f"the model has {len(names)} inputs", file=model, fix=f"give arrays by name: {names}")
    return {names[0]: data}
