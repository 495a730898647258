"""What the sources of every FPGA package say alike: of a stage, and of the samples in a testbench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq.fpga.backend import Tensors
from edgeq.fpga.dataflow import Dataflow, Stage, Stream
from edgeq.package.names import comment, require_identifier
from edgeq.targets.hls.fold import Fold


@dataclass(frozen=True, eq=False)
class StageText:
    """A stage, for templates."""

    stage: Stage
    fold: Fold

    @property
    def symbol(self) -> str:
        return self.stage.symbol

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return self.stage.inputs

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return self.stage.outputs

    @property
    def comment(self) -> str:
        """Operators and sanitized layer names."""
        return "; ".join(comment(f"{op.kind} {op.name}") for op in self.stage.ops) or "one input, several readers"


def golden_samples(
    flow: Dataflow, inputs: Tensors, outputs: Tensors, text: Callable[[Stream, np.ndarray], str]
) -> dict[str, object]:
    """What the template of a testbench gets.

    Args:
        inputs, outputs: What the interpreter was given and gave.
        text: The numbers of a stream, signed as in its buffer, in the language of the testbench.
    """
    program = flow.program
    in_ports, out_ports = zip(flow.inputs, program.inputs, strict=True), zip(flow.outputs, program.outputs, strict=True)
    return {
        "name": require_identifier(program.name),
        "port_names": [stream.symbol for stream in (*flow.inputs, *flow.outputs)],
        "golden_inputs": [(stream, text(stream, _signed(inputs[port.name]))) for stream, port in in_ports],
        "golden_outputs": [(stream, text(stream, _signed(outputs[port.name]))) for stream, port in out_ports],
        "samples": len(inputs[program.inputs[0].name]),
    }


def _signed(array: np.ndarray) -> np.ndarray:
    """The buffer of a uint8 port holds its bits as int8."""
    return array.view(np.int8) if array.dtype == np.uint8 else array
