"""What turns a dataflow into a design in some language, and knows what it costs there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.fpga.cost import CostModel
from edgeq.fpga.dataflow import Dataflow
from edgeq.fpga.folding import Design

if TYPE_CHECKING:
    from edgeq.targets.target import Target

Tensors = Mapping[str, np.ndarray]
"""By port name, (samples, *port.shape)."""


@dataclass(frozen=True)
class Backend:
    """One way to make hardware of a dataflow.

    Attributes:
        method: What its estimates rest on.
        cost: Its model.
        sources: Design, target, version, inputs and the interpreter's outputs of some samples: text of each file of
            the package, by path.
        testbench: Dataflow, inputs and outputs of some samples: the program that compares them, by its path.
        simulate: Target of the package's Makefile that runs it.
        tools: Programs that this needs (`edgeq.run.toolchain`).
        turns: Whether stages that take in whole tensors take turns with what they send (`edgeq.fpga.dataflow`).
    """

    method: str
    cost: CostModel
    sources: Callable[[Design, Target, str, Tensors, Tensors], dict[str, str]]
    testbench: Callable[[Dataflow, Tensors, Tensors], dict[str, str]]
    simulate: str
    tools: tuple[str, ...]
    turns: bool


def load_backend(target: Target) -> Backend:
    """That of a programmable target: module `backend` of `edgeq.hls` or `edgeq.rtl`, by its family."""
    from importlib import import_module

    return import_module(f"edgeq.{target.family}.backend").BACKEND
