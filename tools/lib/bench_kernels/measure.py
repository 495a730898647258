"""Instructions of single operators on an emulated board."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench_kernels.cases import Case
from edgeq.lower.lower import lower
from edgeq.lower.objects import compile_objects
from edgeq.lower.select import select
from edgeq.package.archive import Member, archive
from edgeq.package.manifest import describe
from edgeq.package.read import Package
from edgeq.package.render import render
from edgeq.package.source import PackageSource
from edgeq.program.interpreter import interpret
from edgeq.program.program import Port, Program
from edgeq.run.batch import profile_on_qemu, run_on_qemu
from edgeq.targets.target import Target


@dataclass(frozen=True)
class Measured:
    """What a kernel takes.

    Attributes:
        kernel: `<family>.<module>`.
        instructions: Of one call.
        scratch: Bytes of working memory.
    """

    kernel: str
    instructions: int
    scratch: int


def measure(cases: Sequence[Case], target: Target) -> list[Measured]:
    """Runs the operators one after the other and counts.

    Raises:
        SystemExit: Some result is not the interpreter's.
    """
    program = program_of(cases)
    lowered = lower(program, target)
    inputs = random_inputs(program)
    expected = interpret(program, inputs)
    abi = target.float_abis[0]
    source = PackageSource(lowered, compile_objects(lowered, abi), inputs, expected, abi, "0" * 64, b"", "", {}, "0")
    with tempfile.TemporaryDirectory() as folder:
        package = write(source, Path(folder))
        outputs, counts = run_on_qemu(package, inputs).outputs, profile_on_qemu(package, inputs)
    wrong = [name for name, array in expected.items() if not np.array_equal(array, outputs[name])]
    if wrong or counts is None:
        raise SystemExit(f"{target.name}, {target.family}: other bytes than the interpreter's in {wrong}")
    kernels = [select(op, program, target).generate.__module__.removeprefix("edgeq.targets.") for op in program.ops]
    scratch = [sum(b.size for b in lowered.plan.blocks if b.names == (f"scratch{i}",)) for i in range(len(cases))]
    return [Measured(*found) for found in zip(kernels, counts[0].tolist(), scratch, strict=True)]


def write(source: PackageSource, folder: Path) -> Package:
    """What runs of a package: kernels, constants, call sequence."""
    files = {path: text.encode() for path, text in render(source).items()}
    members = [Member(f"{kernel.symbol}.o", kernel.elf, (kernel.symbol,)) for kernel in source.kernels]
    files[f"lib/lib{source.name}.a"] = archive(members)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return Package(folder, describe(source).with_files(files))


def program_of(cases: Sequence[Case]) -> Program:
    """The operators, each with buffers of its own, which are ports."""
    buffers, ops, inputs, outputs = [], [], [], []
    for i, case in enumerate(cases):
        names = {b.name: f"{b.name}{i}" for b in case.buffers}
        buffers += [replace(b, name=names[b.name]) for b in case.buffers]
        for b in case.buffers:
            port = Port(names[b.name], names[b.name], b.shape, 1.0, 0)
            (outputs if b.name == case.op.y else inputs).append(port)
        fields = {f: names[getattr(case.op, f)] for f in ("x", "x1", "x2", "y") if hasattr(case.op, f)}
        ops.append(replace(case.op, **fields))
    return Program("kernels", tuple(inputs), tuple(outputs), tuple(buffers), tuple(ops))


def random_inputs(program: Program) -> dict[str, np.ndarray]:
    """One sample of random integers."""
    rng = np.random.default_rng(0)
    arrays = {}
    for port in program.inputs:
        b = program.buffer[port.buffer]
        half = 1 << (b.bits - 1)
        arrays[port.name] = rng.integers(-half, half, (1, *b.shape)).astype(b.dtype)
    return arrays
