"""The files of a design: SystemVerilog, tables, testbench, Makefile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from edgeq.fpga.backend import Tensors
from edgeq.fpga.dataflow import Dataflow, Stream
from edgeq.fpga.folding import Design
from edgeq.fpga.source_text import StageText, golden_samples
from edgeq.package.names import require_identifier
from edgeq.rtl.engines import Engine, engine
from edgeq.rtl.requantizer import Parameters
from edgeq.rtl.rom import words
from edgeq.templating import templates_of

if TYPE_CHECKING:
    from edgeq.targets.target import Target

ENGINES = files("edgeq.targets.rtl") / "engines"
WORDS_PER_LINE = 6
_TEMPLATES = templates_of("edgeq.rtl")


@dataclass(frozen=True, eq=False)
class StageView(StageText):
    """A stage in the words of SystemVerilog."""

    flow: Dataflow

    @cached_property
    def engine(self) -> Engine:
        return engine(self.stage, self.fold, self.flow)


def sources(
    design: Design, target: Target, version: str, golden_inputs: Tensors, golden_outputs: Tensors
) -> dict[str, str]:
    """Text of each file, by its path in the package.

    Args:
        golden_inputs, golden_outputs: What the interpreter was given and gave.

    Raises:
        UnsupportedError: A stage has no engine.
    """
    flow = design.flow
    name = require_identifier(flow.program.name)
    stages = [StageView(s, f, flow) for s, f in zip(flow.stages, design.folds, strict=True)]
    context = {
        "name": name,
        "version": version,
        "target": target.name,
        "stages": stages,
        "inner": flow.inner,
        "inputs": flow.inputs,
        "outputs": flow.outputs,
    }
    texts = {f"src/{name}_{stage.symbol}.sv": _render("stage.sv", context | {"stage": stage}) for stage in stages}
    texts[f"src/{name}_top.sv"] = _render("top.sv", context)
    texts["Makefile"] = _render("Makefile", context)
    texts |= {f"src/{part.name}": part.read_text() for part in ENGINES.iterdir() if part.name.endswith(".sv")}
    texts |= {rom.path: rom.text for stage in stages for rom in stage.engine.roms}
    return texts | testbench(flow, golden_inputs, golden_outputs)


def testbench(flow: Dataflow, inputs: Tensors, outputs: Tensors) -> dict[str, str]:
    """The program that feeds samples to a design and compares with what the interpreter gave, by its path."""
    context = golden_samples(flow, inputs, outputs, _words)
    return {f"tb/{context['name']}_tb.cpp": _render("testbench.cpp", context)}


def _render(template: str, context: Mapping[str, object]) -> str:
    return _TEMPLATES.get_template(f"{template}.j2").render(context)


def _parameters(values: Parameters) -> str:
    """Named parameters of an instance."""
    return ", ".join(f".{name}({_literal(value)})" for name, value in values.items())


def _literal(value: int | str | tuple[int, ...]) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(f"32'd{number % 2**32}" for number in reversed(value)) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _words(stream: Stream, array: np.ndarray) -> str:
    """Samples as words of a stream, in lines of a C++ table."""
    texts = [f"{word:#x}" for word in words(array, stream.element_bits, stream.lanes)]
    lines = (texts[i : i + WORDS_PER_LINE] for i in range(0, len(texts), WORDS_PER_LINE))
    return ",\n".join("    " + ", ".join(line) for line in lines)


_TEMPLATES.filters["parameters"] = _parameters
_TEMPLATES.globals["zip"] = zip
