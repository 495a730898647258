"""Compiles the C kernels of a program of independent operators with a main that checks every output byte."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgeq.lower.c_source import c_sources
from edgeq.lower.lowered import Argument, Lowered
from edgeq.program.program import Program

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
SANITIZE = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

_CHECK = """
static int check(const char *name, const void *got, const void *want, size_t size)
{
    if (memcmp(got, want, size) != 0) {
        printf("%s differs\\n", name);
        return 1;
    }
    return 0;
}
"""


def write_sources(lowered: Lowered, folder: Path) -> Path:
    """Writes the kernels and the private header that they include. Returns the kernels' file."""
    sources = c_sources(lowered)
    for name, text in sources.items():
        (folder / name).write_text(text)
    prototypes = {c.symbol: f"void {c.symbol}({', '.join(map(_pointer_type, c.arguments))});\n" for c in lowered.calls}
    header = "#include <stdint.h>\n" + "".join(prototypes.values())
    (folder / f"{lowered.program.name}_private.h").write_text(header)
    return folder / f"{lowered.program.name}_kernels.c"


def warnings_of(compiler: Sequence[str], lowered: Lowered, folder: Path) -> str:
    """What a compiler says of the kernels where it warns of all that it can; empty if it builds them."""
    kernels = write_sources(lowered, folder)
    command = [*compiler, *WARNINGS, "-Wmissing-prototypes", "-Wshadow", "-O1", "-c", kernels, "-I", folder]
    result = subprocess.run([*command, "-o", folder / "k.o"], capture_output=True, text=True, check=False)
    return result.stderr or "failed" * result.returncode


def mnemonics_of(compiler: Sequence[str], lowered: Lowered, folder: Path) -> set[str]:
    """Of the instructions that a compiler makes of the kernels."""
    kernels = write_sources(lowered, folder)
    command = [*compiler, "-std=c99", "-O2", "-S", kernels, "-I", folder, "-o", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^\t([a-z0-9]+)", text, re.MULTILINE))


def run_checked(
    lowered: Lowered, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray], folder: Path
) -> str:
    """Compiles with warnings as errors and sanitizers, runs on every sample. Returns what the program printed."""
    inputs, outputs = (stored(lowered.program, arrays) for arrays in (inputs, outputs))
    kernels = write_sources(lowered, folder)
    (folder / "main.c").write_text(_main(lowered, inputs, outputs))
    command = ["gcc", *WARNINGS, *SANITIZE, "-I", folder, kernels, folder / "main.c", "-o", folder / "main"]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    result = subprocess.run([folder / "main"], capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def stored(program: Program, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays by buffer as they lie in memory."""
    return {name: program.buffer[name].stored(array) for name, array in arrays.items()}


def _main(lowered: Lowered, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> str:
    parts = ["#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>"]
    parts += [f'#include "{lowered.program.name}_private.h"', _CHECK]
    parts += [_array(f"static const {c.data.dtype}_t {c.symbol}[]", c.data) for c in lowered.constants]
    body = [f"char *arena = malloc({max(lowered.plan.size, 1)});"]
    for name, array in inputs.items():
        parts.append(_array(f"static const {array.dtype}_t in_{name}[]", array))
        body += _allocate(name, array)
    for name, array in outputs.items():
        parts.append(_array(f"static const {array.dtype}_t want_{name}[]", array))
        body += _allocate(name, array)
    samples = len(next(iter(outputs.values())))
    body.append(f"for (int s = 0; s < {samples}; ++s) {{")
    body += [f"memcpy({name}, in_{name} + s * {a[0].size}, {a[0].nbytes});" for name, a in inputs.items()]
    for call in lowered.calls:
        body.append(f"{call.symbol}({', '.join(_pointer(a, lowered) for a in call.arguments)});")
        want = outputs[call.op.y]
        body.append(
            f'bad += check("{call.op.y}", {call.op.y}, want_{call.op.y} + s * {want[0].size}, {want[0].nbytes});'
        )
    body.append("}")
    body += [f"free(memory_{name});" for name in (*inputs, *outputs)] + ["free(arena);"]
    return "\n".join([*parts, "int main(void)", "{", "int bad = 0;", *body, "return bad;", "}", ""])


def _allocate(name: str, array: np.ndarray) -> list[str]:
    """A buffer of exactly the right size; bytes begin at an odd address."""
    odd = int(array.dtype.itemsize == 1)
    return [
        f"char *memory_{name} = malloc({array[0].nbytes + odd});",
        f"{array.dtype}_t *{name} = ({array.dtype}_t *)(void *)(memory_{name} + {odd});",
    ]


def _array(declaration: str, values: np.ndarray | Sequence[int]) -> str:
    return f"{declaration} = {{{', '.join(map(_literal, np.asarray(values).reshape(-1)))}}};"


def _literal(value: int) -> str:
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)


def _pointer(argument: Argument, lowered: Lowered) -> str:
    if argument.kind == "scratch":
        return f"(void *)(arena + {lowered.plan.offsets[argument.name]})"
    return argument.name


def _pointer_type(argument: Argument) -> str:
    return f"{'' if argument.writes else 'const '}{argument.dtype}_t *"
