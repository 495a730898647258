"""Runs a package on many samples on its emulated board: results, instruction counts, stack, traces."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jinja2
import numpy as np

from edgeq.errors import FirmwareError
from edgeq.package.arrays import c_type
from edgeq.package.manifest import KernelEntry, Manifest, PortEntry
from edgeq.package.names import require_identifier
from edgeq.package.read import Package
from edgeq.run.counters import COUNTERS
from edgeq.run.device import Device, devices_of, require_device
from edgeq.run.firmware import BOARD, board_of, build_firmware, symbol_sizes
from edgeq.run.plugin import Counting
from edgeq.run.process import process_counting, process_instructions
from edgeq.run.qemu import run_firmware
from edgeq.run.samples import pack_samples, unpack_samples
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

Mode = Literal["run", "profile", "trace"]
TIMEOUT = 600.0

_MARK = np.dtype([("low", "<u4"), ("high", "<u4")])
_RECORD = np.dtype([("begin", _MARK), ("end", _MARK), ("stack_bytes", "<u4")])


@dataclass(frozen=True, eq=False)
class QemuResult:
    """What a package did on its emulated board.

    Attributes:
        outputs: By ONNX name, (samples, *shape).
        instructions: Executed by each inference, (samples,) int64: the call of `NAME_invoke` and all below it. None
            where nothing counts them: in a process of this computer, or without a compiler for QEMU's plugin.
        stack_bytes: Deepest use of the stack by any inference.
        symbol_bytes: Linked size of each function and constant of the package, by symbol.
    """

    outputs: dict[str, np.ndarray]
    instructions: np.ndarray | None
    stack_bytes: int
    symbol_bytes: dict[str, int]


def run_on_qemu(
    package: Package, inputs: Mapping[str, np.ndarray], *, timeout: float = TIMEOUT, device: Device | None = None
) -> QemuResult:
    """Runs every sample, and measures.

    Args:
        inputs: By ONNX name, (samples, *shape), integers of the port's dtype.
        timeout: Seconds of real time for all samples.
        device: Where; None for QEMU, which counts, if it can run the target's programs.

    Raises:
        CalibrationError: `inputs` do not fit the package.
        ToolMissingError: Compiler or emulator are not installed.
        UsageError: The target's programs do not run so here.
        FirmwareError: The firmware could not be built, failed, or did not end in time.
    """
    with finished_run(package, inputs, "run", timeout, device=device) as (folder, target):
        records = np.fromfile(folder / "run.bin", _RECORD)
        if target.linux:
            counted = process_instructions(folder, 2)
            instructions = None if counted is None else counted[:, 0]
        else:
            counts = _instructions(target, records["begin"], records["end"])
            instructions = counts[1:] - counts[0]
        return QemuResult(
            unpack_samples(package.manifest.outputs, (folder / "outputs.bin").read_bytes()),
            instructions=instructions,
            stack_bytes=int(records["stack_bytes"][1:].max(initial=0)),
            symbol_bytes=_own_symbols(package.manifest, symbol_sizes(folder / "firmware.elf", target)),
        )


def profile_on_qemu(
    package: Package, inputs: Mapping[str, np.ndarray], *, timeout: float = TIMEOUT
) -> np.ndarray | None:
    """Instructions of each kernel call with its arguments, (samples, kernels) int64; None where nothing counts them.

    Raises as `run_on_qemu`.
    """
    with finished_run(package, inputs, "profile", timeout) as (folder, target):
        if target.linux:
            return process_instructions(folder, len(package.manifest.kernels) + 1)
        marks = np.fromfile(folder / "profile.bin", _MARK).reshape(-1, len(package.manifest.kernels) + 1)
        counts = _instructions(target, marks[:, :-1], marks[:, 1:])
        return counts[1:] - counts[0, 0]


def trace_on_qemu(
    package: Package, inputs: Mapping[str, np.ndarray], *, timeout: float = TIMEOUT
) -> list[list[np.ndarray]]:
    """The bytes that each kernel call wrote, as int8: [sample][kernel]. Raises as `run_on_qemu`."""
    ends = np.cumsum([kernel.bytes for kernel in package.manifest.kernels])
    with finished_run(package, inputs, "trace", timeout) as (folder, _):
        rows = np.fromfile(folder / "trace.bin", np.int8).reshape(-1, ends[-1])
        return [np.split(row, ends[:-1]) for row in rows]


@contextmanager
def finished_run(
    package: Package,
    inputs: Mapping[str, np.ndarray],
    mode: Mode,
    timeout: float,
    counting: Callable[[Path], Counting] | None = None,
    device: Device | None = None,
) -> Iterator[tuple[Path, Target]]:
    """A temporary folder in which the runner firmware of this mode has run, as `firmware.elf`; and the target.

    Args:
        counting: From the firmware to what QEMU is to count by address.
    """
    manifest = package.manifest
    target = load_target(manifest.target)
    device = require_device(target, device or next(reversed(devices_of(target)), None))
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        (folder / "inputs.bin").write_bytes(pack_samples(manifest.inputs, inputs))
        _build_runner(package, target, mode, folder)
        elf = folder / "firmware.elf"
        if counting is None and target.linux and device == "qemu":
            what = process_counting(elf, target)
        else:
            what = counting(elf) if counting else None
        result = run_firmware(elf, target, timeout=timeout, files_dir=folder, counting=what, device=device)
        if result.exit_code:
            text = (result.stdout + result.stderr).strip()
            raise FirmwareError(f"the firmware failed on {target.name} ({device}): {text}", file=package.directory)
        yield folder, target


def _build_runner(package: Package, target: Target, mode: Mode, folder: Path) -> None:
    manifest, directory = package.manifest, package.directory
    runner = folder / "runner.c"
    runner.write_text(runner_source(manifest, mode))
    build_firmware(
        [runner, *(directory / file for file in manifest.files if file.startswith("src/") and file.endswith(".c"))],
        [directory / file for file in manifest.files if file.endswith(".a")],
        target,
        folder / "firmware.elf",
        includes=[directory / "include"],
        defines=[] if mode == "run" else [f"{manifest.name.upper()}_PROFILE"],
        float_abi=manifest.float_abi or None,
    )


def runner_source(manifest: Manifest, mode: Mode) -> str:
    """The C source of the runner firmware of a package."""
    template = (BOARD / "runner.c.j2").read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        name=require_identifier(manifest.name),
        mode=mode,
        inputs=[_port(port, "input") for port in manifest.inputs],
        outputs=[_port(port, "output") for port in manifest.outputs],
        io=manifest.io,
        kernels=[{"data": _result(kernel), "bytes": kernel.bytes} for kernel in manifest.kernels],
        arena_bytes=manifest.arena_bytes,
        arena_align=manifest.arena_align,
    )


def _port(port: PortEntry, direction: str) -> dict[str, object]:
    c_name = require_identifier(port.c_name)
    require_identifier(port.dtype)
    place = f"{direction}_{c_name}" if port.arena_offset is None else f"arena + {port.arena_offset}"
    return {"c_name": c_name, "place": place, "c_type": c_type(port.dtype), "bytes": port.bytes}


def _result(kernel: KernelEntry) -> str:
    """Where a kernel's result lies, in C."""
    return f"output_{require_identifier(kernel.port)}" if kernel.port else f"arena + {kernel.arena_offset}"


def _instructions(target: Target, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    low, high = (end[word].astype(np.int64) - begin[word].astype(np.int64) for word in ("low", "high"))
    return COUNTERS[board_of(target).counter].instructions(low, high)


def _own_symbols(manifest: Manifest, sizes: Mapping[str, int]) -> dict[str, int]:
    return {symbol: size for symbol, size in sizes.items() if symbol.startswith(f"{manifest.name}_")}
