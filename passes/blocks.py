"""Cuts a QDQ graph where a single tensor goes from one side to the other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import networkx
import onnx_ir as ir

from edgeq.passes.editing import parameter
from edgeq.passes.weighted import is_weighted


@dataclass(frozen=True, eq=False)
class Region:
    """A piece of a graph between two cuts.

    Attributes:
        inputs: Values that come in: the cut before, or the graph's inputs.
        nodes: In order of execution; those that make parameters are left out. The last one makes the only output.
    """

    inputs: Sequence[ir.Value]
    nodes: Sequence[ir.Node]

    @property
    def layers(self) -> list[ir.Node]:
        """Its nodes with weights."""
        return [node for node in self.nodes if is_weighted(node)]


def find_blocks(graph: ir.Graph, layers: int) -> list[Region]:
    """Regions that follow each other, cut where a dequantized activation is all that goes on.

    Cuts are dominators of the outputs, so a residual block is never cut: its shortcut passes by what is inside.

    Args:
        layers: A region ends at the first cut behind so many layers; 0: only at the last cut of all.
    """
    flow = _flow(graph)
    dominators = networkx.immediate_dominators(flow, _SOURCE)
    cuts: list[ir.Node] = []
    at: Hashable = dominators[_SINK]
    while isinstance(at, ir.Node):
        if at.op_type == "DequantizeLinear":
            cuts.insert(0, at)
        at = dominators[at]
    return _joined(
        [_region(graph, flow, start, end) for start, end in zip([_SOURCE, *cuts], cuts, strict=False)], layers
    )


_SOURCE, _SINK = "graph inputs", "graph outputs"


def _flow(graph: ir.Graph) -> networkx.DiGraph:
    """Which node hands activations to which."""
    flow = networkx.DiGraph()
    for node in graph:
        for value in node.inputs:
            if value is not None and value.is_graph_input():
                flow.add_edge(_SOURCE, node)
            elif value is not None and not parameter(value):
                flow.add_edge(value.producer(), node)
    flow.add_edges_from((value.producer() or _SOURCE, _SINK) for value in graph.outputs)
    return flow


def _region(graph: ir.Graph, flow: networkx.DiGraph, start: Hashable, end: ir.Node) -> Region:
    inside = (networkx.descendants(flow, start) & networkx.ancestors(flow, end)) | {end}
    inputs = list(graph.inputs) if not isinstance(start, ir.Node) else [start.outputs[0]]
    return Region(inputs, [node for node in graph if node in inside])


def _joined(pieces: Sequence[Region], layers: int) -> list[Region]:
    """Neighbours together, until they have enough layers. What comes behind the last layer is left out."""
    last = max((i for i, piece in enumerate(pieces) if piece.layers), default=-1)
    blocks: list[Region] = []
    for i, piece in enumerate(pieces[: last + 1]):
        if i > 0 and (not layers or len(blocks[-1].layers) < layers):
            piece = Region(blocks[-1].inputs, [*blocks.pop().nodes, *piece.nodes])
        blocks.append(piece)
    return blocks
