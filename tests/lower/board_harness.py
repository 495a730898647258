"""Runs the kernels of a program of independent operators on an emulated board, all in one boot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from lower.c_harness import stored, write_sources
from lower.operators import random_inputs

from edgeq.lower.lower import lower
from edgeq.lower.lowered import Argument, Lowered
from edgeq.lower.objects import compile_objects
from edgeq.program.interpreter import interpret
from edgeq.program.ops import Op
from edgeq.program.program import Program
from edgeq.run.firmware import build_firmware
from edgeq.run.qemu import run_firmware
from edgeq.targets.target import Target

_ALIGNED = "__attribute__((aligned(16)))"


def differing_calls(
    lowered: Lowered,
    inputs: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    folder: Path,
    *,
    planned: bool = False,
    as_c: bool = False,
) -> list[int]:
    """Runs every kernel on every sample.

    Args:
        planned: Inputs and outputs lie where the plan has them; else apart from each other, bytes at odd addresses.
        as_c: The kernels are C, built by the target's compiler; else objects.

    Returns:
        The indices of wrong calls.
    """
    inputs, outputs = (stored(lowered.program, arrays) for arrays in (inputs, outputs))
    sources, objects = [folder / "main.c"], []
    if as_c:
        sources.append(write_sources(lowered, folder))
    else:
        for kernel in compile_objects(lowered):
            (folder / f"{kernel.symbol}.o").write_bytes(kernel.elf)
            objects.append(folder / f"{kernel.symbol}.o")
    (folder / "main.c").write_text(_main(lowered, inputs, outputs, lowered.plan.offsets if planned else {}))
    build_firmware(sources, objects, lowered.target, folder / "main.elf", includes=[folder])
    result = run_firmware(folder / "main.elf", lowered.target, timeout=300, files_dir=folder)
    assert result.exit_code == 0, result.stdout + result.stderr
    return np.flatnonzero(np.fromfile(folder / "wrong.bin", np.uint8)).tolist()


def wrong_operators(
    program: Program, target: Target, folder: Path, seed: int, samples: int = 3, *, as_c: bool = False
) -> list[Op]:
    """Operators whose results are not the interpreter's for some of so many random samples."""
    inputs = random_inputs(program, samples, seed)
    lowered = lower(program, target)
    wrong = differing_calls(lowered, inputs, interpret(program, inputs), folder, as_c=as_c)
    return [program.ops[i] for i in wrong]


def _main(
    lowered: Lowered, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray], offsets: Mapping[str, int]
) -> str:
    parts = ["#include <string.h>", '#include "edgeq_board.h"']
    parts.append(f"static uint8_t arena[{max(lowered.plan.size, 1)}] {_ALIGNED};")
    parts.append(f"static uint8_t wrong[{len(lowered.calls)}];")
    parts += [_array(f"static const {c.data.dtype}_t {c.symbol}[]", c.data) for c in lowered.constants]
    prototypes = {c.symbol: f"void {c.symbol}({', '.join(map(_type, c.arguments))});" for c in lowered.calls}
    parts += prototypes.values()
    for prefix, arrays in (("in", inputs), ("want", outputs)):
        for name, array in arrays.items():
            parts.append(_array(f"static const {array.dtype}_t {prefix}_{name}[]", array))
            parts.append(_memory(name, array[0], offsets.get(name)))
    samples = len(next(iter(outputs.values())))
    body = [f"for (int s = 0; s < {samples}; ++s) {{"]
    body += [f"memcpy({name}, in_{name} + s * {a[0].size}, {a[0].nbytes});" for name, a in inputs.items()]
    for i, call in enumerate(lowered.calls):
        body.append(f"{call.symbol}({', '.join(_pointer(a, lowered) for a in call.arguments)});")
        y = outputs[call.op.y][0]
        body.append(f"wrong[{i}] |= memcmp({call.op.y}, want_{call.op.y} + s * {y.size}, {y.nbytes}) != 0;")
    body += ["}", 'edgeq_write(edgeq_open("wrong.bin", EDGEQ_WRITE), wrong, sizeof wrong);', "return 0;"]
    return "\n".join([*parts, "int main(void)", "{", *body, "}", ""])


def _memory(name: str, array: np.ndarray, offset: int | None) -> str:
    """A buffer in the arena, or one of exactly the right size; bytes then begin at an odd address, halves at a word."""
    if offset is not None:
        return f"#define {name} (({array.dtype}_t *)(arena + {offset}))"
    if array.dtype.itemsize > 1:
        return f"static {array.dtype}_t {name}[{array.size}] {_ALIGNED};"
    memory = f"static struct {{ char odd; {array.dtype}_t data[{array.size}]; }} memory_{name}"
    return f"{memory} {_ALIGNED};\n#define {name} memory_{name}.data"


def _array(declaration: str, values: np.ndarray) -> str:
    return f"{declaration} = {{{', '.join(map(str, values.reshape(-1).tolist()))}}};"


def _pointer(argument: Argument, lowered: Lowered) -> str:
    if argument.kind == "scratch":
        return f"(void *)(arena + {lowered.plan.offsets[argument.name]})"
    return argument.name


def _type(argument: Argument) -> str:
    return f"{'' if argument.writes else 'const '}{argument.dtype}_t *"
