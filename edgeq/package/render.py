"""The C files and the CMake file of a package, from templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.lower.lowered import Constant
from edgeq.package.abi import required_abi
from edgeq.package.arrays import c_type, nested_rows, rows
from edgeq.package.interface import PortView, arena_bytes, interface
from edgeq.package.names import require_identifier
from edgeq.package.sequence import sequence
from edgeq.package.source import PackageSource
from edgeq.targets.target import Target
from edgeq.templating import templates_of

FORMATS = {"int8": "b", "uint8": "B", "int16": "h"}
"""Of elements, as Python's memoryview names them."""

_TEMPLATES = templates_of("edgeq.package")


@dataclass(frozen=True, eq=False)
class ConstantView:
    """A const array, in the words of C."""

    constant: Constant

    @property
    def symbol(self) -> str:
        return require_identifier(self.constant.symbol)

    @property
    def c_type(self) -> str:
        return c_type(str(self.constant.data.dtype))

    @property
    def elements(self) -> int:
        return int(self.constant.data.size)

    @property
    def rows(self) -> str:
        return rows(self.constant.data)


def render(source: PackageSource) -> dict[str, str]:
    """Text of each generated file, by its path in the package."""
    name = require_identifier(source.name)
    files = {
        f"include/{name}.h": "header.h.j2",
        f"src/{name}_private.h": "private.h.j2",
        f"src/{name}.c": "invoke.c.j2",
        f"src/{name}_data.c": "data.c.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        "selftest.c": "selftest.c.j2",
        "main.c": "main.c.j2",
    }
    if source.lowered.target.linux:
        files[f"{name}.py"] = "loader.py.j2"
    context = _context(source)
    return {path: _TEMPLATES.get_template(template).render(context) for path, template in files.items()}


def _context(source: PackageSource) -> dict[str, object]:
    """What the templates may speak of. Text of the model is in it only as identifiers and sanitized comments."""
    lowered, name = source.lowered, source.name
    ports = interface(lowered.program, lowered.plan)
    return {
        "name": name,
        "NAME": name.upper(),
        "version": source.version,
        "target": lowered.target.name,
        "model_sha256": source.model_sha256,
        "emit": source.emit,
        "abi": required_abi(lowered.target, source.float_abi) if source.emit == "lib" else None,
        "plan": lowered.plan,
        "io": lowered.program.io,
        "shared": lowered.target.linux is not None,
        "formats": FORMATS,
        "arena_bytes": arena_bytes(lowered.plan),
        "alignment": lowered.plan.alignment,
        "sections": lowered.target.sections,
        "interface": ports,
        "sequence": sequence(lowered, ports),
        "constants": [ConstantView(constant) for constant in lowered.constants],
        "constant_alignment": _constant_alignment(lowered.target),
        "c_sources": [f"src/{name}.c", f"src/{name}_data.c", *_kernel_sources(source.kernels)],
        "golden_inputs": [(port, _golden(port, source.golden_inputs)) for port in ports.inputs],
        "golden_outputs": [(port, _golden(port, source.golden_outputs)) for port in ports.outputs],
        "samples": len(source.golden_outputs[ports.outputs[0].port.name]),
    }


def _kernel_sources(kernels: object) -> list[str]:
    """Paths of the kernels' C files, if they come as C."""
    return [f"src/{file}" for file in kernels if file.endswith(".c")] if isinstance(kernels, Mapping) else []


def _constant_alignment(target: Target) -> int:
    """Bytes: the widest load that this target's kernels use on constants."""
    return 16 if "mve" in target.features else 4


def _golden(port: PortView, arrays: Mapping[str, np.ndarray]) -> str:
    array = arrays[port.port.name]
    return nested_rows(array.reshape(len(array), port.elements))
