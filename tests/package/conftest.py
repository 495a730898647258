"""A small program that meets every case of the packer, with kernels written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from package.toolchain import run

from edgeq.lower.lowered import Argument, Constant, KernelCall, Lowered
from edgeq.lower.objects import KernelObject
from edgeq.package.source import PackageSource
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Copy, Dense, Lut, Op, Requantize, View
from edgeq.program.planner import plan_arena
from edgeq.program.program import Buffer, Port, PortMemory, Program
from edgeq.targets.load import load_target

KERNELS_C = """\
#include <stdint.h>
#include "toy_private.h"

void toy_k0(const int8_t *x, const int8_t *table, int8_t *y)
{
    int i;
    for (i = 0; i < 8; i++) {
        y[i] = table[x[i] + 128];
    }
}

void toy_k1(const int16_t *x, int16_t *y)
{
    int i;
    for (i = 0; i < 5; i++) {
        y[i] = x[4 - i];
    }
}

void toy_k2(const int8_t *x, const int8_t *w, const int32_t *b, const int32_t *m, int8_t *y)
{
    int o, i;
    for (o = 0; o < 3; o++) {
        int32_t acc = b[o];
        for (i = 0; i < 8; i++) {
            acc += x[i] * w[8 * o + i];
        }
        int shift = 31;
        int32_t power;
        for (power = m[o]; power > 1; power >>= 1) {
            shift--;
        }
        acc = ((acc + (INT32_C(1) << (shift - 1))) >> shift) - 4;
        y[o] = (int8_t)(acc < -128 ? -128 : acc > 127 ? 127 : acc);
    }
}
"""

# Names that a hostile or careless model may carry.
HOSTILE = ('"; system("x")', "trigraph ??/ */ int evil; /*\n#error \u202e", "class")


def _program(io: PortMemory) -> Program:
    rng = np.random.default_rng(7)
    table = np.arange(127, -129, -1).astype(np.int8)
    view = View((5,), (1,))
    # Powers of two: the kernel written by hand needs no long multiply, which Armv6-M lacks.
    rq = Requantize(np.array([2**29, 2**28, 2**27], np.int32), -4, -128, 127)
    weight = rng.integers(-127, 128, (3, 8)).astype(np.int8)
    ops: tuple[Op, ...] = (
        Lut(HOSTILE[0], "b4", "b0", table),
        Lut(HOSTILE[1], "b5", "b4", np.roll(table, 9)),
        Copy("backwards", "b3", "b1", View((5,), (-1,), 4), view),
        Dense(HOSTILE[2], "b2", "b5", 1, weight, 8, np.array([9, -70, 2**20], np.int32), rq),
    )
    return Program(
        "toy",
        (
            Port(HOSTILE[2], "b0", (1, 2, 2, 2), 0.0039215689, 128, unsigned=True),
            Port("wide */ input", "b1", (1, 5), 1e-05, 0),
        ),
        (Port("out:0", "b2", (1, 3), 0.125, -4), Port("Out 0", "b3", (5,), 1e-05, 0)),
        (
            Buffer("b0", (1, 2, 2, 2)),
            Buffer("b1", (1, 5), bits=16),
            Buffer("b2", (1, 3)),
            Buffer("b3", (5,), bits=16),
            Buffer("b4", (8,)),
            Buffer("b5", (8,)),
        ),
        ops,
        io,
    )


def _lowered(program: Program) -> Lowered:
    lut0, lut1, copy, dense = program.ops
    arrays = [(name, array.ravel()) for op in program.ops for name, array in op.arrays()]
    constants = tuple(
        Constant(f"toy_c{i}", array, "weights" if name == "weight" else "constants")
        for i, (name, array) in enumerate(arrays)
    )

    def call(symbol: str, op: Op, *names: str) -> KernelCall:
        arguments = [
            Argument("constant", f"toy_{n}", str(constants[int(n[1:])].data.dtype))
            if n.startswith("c")
            else Argument("buffer", n, program.buffer[n].dtype, writes=n == op.y)
            for n in names
        ]
        return KernelCall(symbol, tuple(arguments), op)

    calls = (
        call("toy_k0", lut0, "b0", "c0", "b4"),
        call("toy_k0", lut1, "b4", "c1", "b5"),
        call("toy_k1", copy, "b1", "b3"),
        call("toy_k2", dense, "b5", "c2", "c3", "c4", "b2"),
    )
    return Lowered(program, load_target("cortex-m4"), (), constants, calls, plan_arena(program))


def _golden(program: Program) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(3)
    inputs: dict[str, np.ndarray] = {
        program.inputs[0].name: rng.integers(0, 256, (2, 1, 2, 2, 2)).astype(np.uint8),
        program.inputs[1].name: rng.integers(-(2**15), 2**15, (2, 1, 5)).astype(np.int16),
    }
    return inputs, interpret(program, inputs)


REPORT = {
    "name": "toy",
    "target": "cortex-m4",
    "macs": 60,
    "accuracy": None,
    "memory": {
        "flash_bytes": {"code": 300, "weights": 60, "constants": 40, "total": 400},
        "ram_bytes": {"arena": 48, "io": 16, "stack": 36, "statics": 0, "total": 100},
        "arena": {
            "bytes": 48,
            "lower_bound": 48,
            "ratio": 1.0,
            "blocks": [
                {"names": ["b0", "b4"], "offset": 0, "size": 16, "first": 0, "last": 1},
                {"names": ["b5"], "offset": 16, "size": 32, "first": 1, "last": 3},
            ],
        },
        "patches": None,
    },
    "onnxruntime": {"max_steps": 1, "share": 0.01, "samples": 2, "worst": "y"},
    "layers": [
        {"name": "table", "op": "lut", "macs": 0, "weight_bits": None, "activation_bits": 8, "sqnr_db": 45.0},
        {"name": "<fc>", "op": "dense", "macs": 60, "weight_bits": 4, "activation_bits": 8, "sqnr_db": 30.0},
    ],
    "passes": [{"name": "fold_constants", "changed": True, "nodes": 3}],
    "warnings": ["'<fc>' is dead & gone"],
}
"""What the toy's compilation would report."""


@pytest.fixture(scope="session")
def source() -> PackageSource:
    """The toy as C for cortex-m4, its inputs and outputs in memory of the caller."""
    return _source("caller")


@pytest.fixture(scope="session")
def arena_source() -> PackageSource:
    """The same, inputs and outputs in the arena."""
    return _source("arena")


def _source(io: PortMemory) -> PackageSource:
    program = _program(io)
    inputs, outputs = _golden(program)
    return PackageSource(
        lowered=_lowered(program),
        kernels={"toy_kernels.c": KERNELS_C},
        golden_inputs=inputs,
        golden_outputs=outputs,
        float_abi="hard",
        model_sha256="0123456789abcdef" * 4,
        qdq_model=b"not read by the packer",
        program_text="program toy\n",
        report=REPORT,
        version="0.1.0",
    )


@pytest.fixture(scope="session")
def library_source(source: PackageSource, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., PackageSource]:
    """Gives the toy as a library, its kernels compiled by the given C compiler for the given target."""

    def make(compiler: str, *flags: str, target: str, float_abi: str = "") -> PackageSource:
        from edgeq.package.build import build_package

        folder = tmp_path_factory.mktemp("kernels")
        (folder / "toy_private.h").write_bytes(build_package(source)["src/toy_private.h"])
        objects = []
        for part in KERNELS_C.split("\nvoid ")[1:]:
            symbol = part.split("(")[0]
            head = KERNELS_C.split("\nvoid ")[0]
            (folder / f"{symbol}.c").write_text(f"{head}\nvoid {part}")
            run(compiler, *flags, "-O1", "-c", f"{symbol}.c", cwd=folder)
            objects.append(KernelObject(symbol, (folder / f"{symbol}.o").read_bytes(), 40, 24))
        lowered = replace(source.lowered, target=load_target(target))
        return replace(source, lowered=lowered, kernels=tuple(objects), float_abi=float_abi)

    return make
