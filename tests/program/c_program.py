"""A program as the C files of its package, and a check that runs them: arrays of the caller lie at odd addresses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from program.pipeline import Compiled

from edgeq.lower.c_source import c_sources
from edgeq.lower.lower import lower
from edgeq.lower.select import for_c
from edgeq.package.arrays import rows
from edgeq.package.interface import Interface, PortView, interface
from edgeq.package.render import render
from edgeq.package.source import PackageSource
from edgeq.targets.load import load_target

_CHECK = """\
#include <stdlib.h>
#include <string.h>

#include "{name}.h"

{arrays}
int check_{name}(void);

int check_{name}(void)
{{
    static unsigned char arena[{NAME}_ARENA_BYTES] __attribute__((aligned({NAME}_ARENA_ALIGN)));
    int wrong = 0;
    int sample;

    for (sample = 0; sample < {samples} && wrong == 0; sample++) {{
{allocate}
        wrong = {name}_invoke({arguments}) != 0;
{compare}
    }}
    return wrong;
}}
"""


def write_program(compiled: Compiled, expected: dict[str, np.ndarray], folder: Path) -> None:
    """Writes kernels, constants, call sequence and `int check_NAME(void)`, which returns 0 where all is right."""
    lowered = lower(compiled.program, for_c(load_target("cortex-m4")))
    kernels = c_sources(lowered)
    source = PackageSource(lowered, kernels, compiled.integers, expected, "hard", "0" * 64, b"", "", {}, "0")
    files = {Path(path).name: text for path, text in (render(source) | kernels).items() if "/" in path}
    for path, text in (files | kernels).items():
        (folder / path).write_text(text)
    ports = interface(compiled.program, lowered.plan)
    (folder / f"{source.name}_check.c").write_text(_check(source.name, ports, compiled, expected))


def _check(name: str, ports: Interface, compiled: Compiled, expected: dict[str, np.ndarray]) -> str:
    in_arena = compiled.program.io == "arena"
    structs = [] if in_arena else [f"        {name}_{kind} {kind};" for kind in ("inputs", "outputs")]
    arrays = [_array(port, compiled.integers[port.port.name]) for port in ports.inputs]
    arrays += [_array(port, expected[port.port.name]) for port in ports.outputs]
    return _CHECK.format(
        name=name,
        NAME=name.upper(),
        samples=len(next(iter(expected.values()))),
        arrays="\n".join(arrays),
        allocate="\n".join([*structs, *(line for port in ports.ports for line in _allocate(port))]),
        arguments="arena" if in_arena else "&inputs, &outputs, arena",
        compare="\n".join(line for port in ports.ports for line in _compare(port)),
    )


def _array(port: PortView, array: np.ndarray) -> str:
    return f"static const {port.c_type} {_symbol(port)}_data[] = {{\n{rows(array.reshape(-1))}\n}};\n"


def _symbol(port: PortView) -> str:
    return f"{port.direction}_{port.c_name}"


def _allocate(port: PortView) -> list[str]:
    """Memory that ends with the array, which begins at an odd address: int16 too may lie anywhere."""
    symbol = _symbol(port)
    source = f"{symbol}_data + sample * {port.elements}, {port.nbytes}"
    if port.offset is not None:
        return [f"        memcpy({port.accessor}(arena), {source});"] if port.direction == "input" else []
    fill = f"memcpy({symbol} + 1, {source});"
    return [
        f"        unsigned char *{symbol} = malloc({port.nbytes} + 1);",
        *([f"        {fill}"] if port.direction == "input" else []),
        f"        {port.direction}s.{port.c_name} = (void *)({symbol} + 1);",
    ]


def _compare(port: PortView) -> list[str]:
    symbol = _symbol(port)
    place = f"{symbol} + 1" if port.offset is None else f"{port.accessor}(arena)"
    check = f"        wrong |= memcmp({place}, {symbol}_data + sample * {port.elements}, {port.nbytes}) != 0;"
    free = [f"        free({symbol});"] if port.offset is None else []
    return [*([check] if port.direction == "output" else []), *free]
