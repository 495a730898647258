"""Executes a network bit by bit, while its later weights are still being chosen."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING

import numpy as np

from edgeq.reconstruct.segment import Segment

if TYPE_CHECKING:
    import onnx_ir as ir


class Replica:
    """A network that stands before one of its nodes, holding what the nodes from there on need, on all samples.

    Every node runs once, however many layers are worked on; what no later node needs is dropped.

    Args:
        model: Its graph has one sample per run. Left as it is.
        inputs: Per graph input, (samples, *shape): float32, or integers where they are tokens.
        constants: Values that are known: the nodes that make them do not run. May change for nodes not yet run.
        aliases: Values that stand for others: the nodes between do not run.
    """

    def __init__(
        self,
        model: ir.Model,
        inputs: Mapping[str, np.ndarray],
        constants: dict[str, np.ndarray],
        aliases: Mapping[str, str],
    ) -> None:
        self.constants = constants
        self._aliases = aliases
        self._opset = model.opset_imports[""]
        self._outputs = list(model.graph.outputs)
        self._nodes = _needed(model.graph, constants.keys(), aliases.keys())
        self._last_use = {self._name(v): i for i, node in enumerate(self._nodes) for v in node.inputs if v is not None}
        self._last_use |= {self._name(value): len(self._nodes) for value in model.graph.outputs}
        self._values = dict(inputs)
        self._done = 0

    def advance(self, node: ir.Node) -> None:
        """Runs everything that stands before a node, in the order of the graph."""
        self._advance(self._nodes.index(node))

    def run_through(self, node: ir.Node) -> None:
        """Runs everything up to a node, and the node."""
        self._advance(self._nodes.index(node) + 1)

    def outputs(self) -> list[np.ndarray]:
        """Runs everything; the graph's outputs, (samples, *shape)."""
        self._advance(len(self._nodes))
        return [self.read(value) for value in self._outputs]

    def _advance(self, end: int) -> None:
        if end > self._done:
            self._values |= self._run(self._nodes[self._done : end], end)
            self._done = end
        self._values = {name: array for name, array in self._values.items() if self._last_use.get(name, -1) >= end}

    def knows(self, value: ir.Value) -> bool:
        """Whether a value is there: its node has run, and nodes to come need it."""
        return self._name(value) in self._values

    def read(self, value: ir.Value) -> np.ndarray:
        """A value that it knows, (samples, *shape)."""
        return self._values[self._name(value)]

    def write(self, value: ir.Value, array: np.ndarray) -> None:
        """Lets a value that it knows be another array, for the nodes to come."""
        self._values[self._name(value)] = array

    def _name(self, value: ir.Value) -> str:
        return self._aliases.get(str(value.name), str(value.name))

    def _run(self, nodes: list[ir.Node], end: int) -> dict[str, np.ndarray]:
        made = {str(value.name) for node in nodes for value in node.outputs}
        outputs = sorted(name for name in made if self._last_use.get(name, -1) >= end)
        inputs: dict[str, np.ndarray] = {}
        constants: dict[str, np.ndarray] = {}
        for value in (v for node in nodes for v in node.inputs if v is not None):
            name = self._name(value)
            if name in self.constants:
                constants[name] = self.constants[name]
            elif value.const_value is not None:
                constants[name] = value.const_value.numpy()
            elif name not in made:
                inputs[name] = self._values[name]
        if not outputs:
            return {}
        first = {name: array[0] for name, array in inputs.items()}
        return Segment(nodes, self._opset, first, outputs, constants, self._aliases).run(inputs)


def _needed(graph: ir.Graph, constants: Set[str], aliases: Set[str]) -> list[ir.Node]:
    """The nodes to run for the graph outputs, in order of execution."""
    wanted = {str(value.name) for value in graph.outputs}
    kept: list[ir.Node] = []
    for node in reversed(graph):
        made = wanted & {str(value.name) for value in node.outputs}
        if made and not made <= constants:
            wanted |= {str(value.name) for value in node.inputs if value is not None}
            if not made <= aliases:
                kept.append(node)
    return kept[::-1]
