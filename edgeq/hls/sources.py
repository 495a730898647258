"""The C++ files of a design, from templates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.fpga.backend import Tensors
from edgeq.fpga.dataflow import Dataflow, Stream
from edgeq.fpga.folding import Design
from edgeq.fpga.source_text import StageText, golden_samples
from edgeq.fpga.stage_kind import Kind
from edgeq.hls.kernels import Calls, Rom, Row, element_call, whole_calls, window_row
from edgeq.package.arrays import nested_rows, rows
from edgeq.package.names import require_identifier
from edgeq.templating import templates_of

if TYPE_CHECKING:
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

TEMPLATES = Path(__file__).parent / "templates"
VERBATIM = ("src/edgeq_streams.h", "sim/ap_int.h", "sim/hls_stream.h")
_TEMPLATES = templates_of("edgeq.hls")


@dataclass(frozen=True, eq=False)
class StageView(StageText):
    """A stage in the words of C++."""

    program: Program
    target: Target

    @property
    def ops(self) -> tuple[object, ...]:
        return self.stage.ops

    @cached_property
    def kind(self) -> Kind:
        return self.stage.kind(self.program)

    @property
    def template(self) -> str:
        return f"{self.kind.name.lower()}.cpp.j2"

    @cached_property
    def row(self) -> Row:
        """Of a window stage."""
        return window_row(self.stage, self.fold, self.target)

    @cached_property
    def _calls(self) -> Calls:
        make = element_call if self.kind == Kind.ELEMENTWISE else whole_calls
        return make(self.stage, self.program, self.target)

    @property
    def calls(self) -> tuple[str, ...]:
        return self._calls.calls

    @property
    def functions(self) -> tuple[str, ...]:
        return self.row.functions if self.kind == Kind.WINDOW else self._calls.functions

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.row.roms if self.kind == Kind.WINDOW else self._calls.roms

    @property
    def parameters(self) -> list[str]:
        return [parameter(stream) for stream in (*self.inputs, *self.outputs)]

    @property
    def arguments(self) -> list[str]:
        return [stream.symbol for stream in (*self.inputs, *self.outputs)]

    @property
    def outs(self) -> str:
        return ", ".join(stream.symbol for stream in self.outputs)


def parameter(stream: Stream) -> str:
    """A stream as a parameter of a function."""
    return f"hls::stream<ap_uint<{stream.word_bits}> > &{stream.symbol}"


def sources(
    design: Design,
    target: Target,
    version: str,
    golden_inputs: Tensors,
    golden_outputs: Tensors,
) -> dict[str, str]:
    """Text of each C++ file, by its path in the package.

    Args:
        golden_inputs, golden_outputs: What the interpreter was given and gave.
    """
    assert target.fpga is not None
    flow, program = design.flow, design.flow.program
    name = require_identifier(program.name)
    stages = [StageView(s, f, program, target) for s, f in zip(flow.stages, design.folds, strict=True)]
    ports = (*flow.inputs, *flow.outputs)
    context = {
        "name": name,
        "NAME": name.upper(),
        "version": version,
        "target": target.name,
        "stages": stages,
        "inner": flow.inner,
        "ports": [parameter(stream) for stream in ports],
        "port_names": [stream.symbol for stream in ports],
        "part": target.fpga.part,
        "period": 1000 / target.fpga.clock_mhz,
    }
    files = {
        f"src/{name}.h": "design.h.j2",
        f"src/{name}.cpp": "design.cpp.j2",
        "Makefile": "Makefile.j2",
        "run_hls.tcl": "run_hls.tcl.j2",
        "hls_config.cfg": "hls_config.cfg.j2",
    }
    texts = {path: _TEMPLATES.get_template(template).render(context) for path, template in files.items()}
    texts |= testbench(flow, golden_inputs, golden_outputs)
    texts |= {path: (TEMPLATES / Path(path).name).read_text() for path in VERBATIM}
    return texts | {f"src/{rom.symbol}.inc": f"{rows(rom.data)}\n" for stage in stages for rom in stage.roms}


def testbench(flow: Dataflow, inputs: Tensors, outputs: Tensors) -> dict[str, str]:
    """The program that feeds samples to a design and compares with what the interpreter gave, by its path."""
    context = golden_samples(flow, inputs, outputs, _rows)
    return {f"tb/{context['name']}_tb.cpp": _TEMPLATES.get_template("testbench.cpp.j2").render(context)}


def _rows(stream: Stream, array: np.ndarray) -> str:
    """Samples as lines of a C++ table."""
    return nested_rows(array.reshape(len(array), -1))
