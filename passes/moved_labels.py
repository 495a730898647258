"""Follows the elements of a tensor through data movement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import MOVERS
from edgeq.passes.editing import constant


class Use(NamedTuple):
    """Where movement ends.

    Attributes:
        node, place: The operator that computes, and which of its inputs; None where it is a graph output.
        labels: Of the input's elements: int, of its shape.
    """

    node: ir.Node | None
    place: int
    labels: np.ndarray


def moved_labels(source: ir.Value, labels: np.ndarray) -> Iterator[Use]:
    """The uses of a value, moved or not, and which of its elements each of them sees.

    Args:
        labels: Of the elements of `source`: int, of its shape.
    """
    if source.is_graph_output():
        yield Use(None, 0, labels)
    for user in source.uses():
        if not moves(user.node):
            yield Use(user.node, user.idx, labels)
            continue
        for value, moved in zip(user.node.outputs, _moved(user.node, labels), strict=True):
            yield from moved_labels(value, moved)


def moves(node: ir.Node) -> bool:
    """Whether a node only moves elements, all of them of one tensor."""
    joins = node.op_type == "Concat" and len(node.inputs) > 1
    return node.op_type in MOVERS and not joins and len(_activations(node)) == 1


def _activations(node: ir.Node) -> list[ir.Value]:
    return [value for value in node.inputs if value is not None and constant(value) is None]


def _moved(node: ir.Node, labels: np.ndarray) -> list[np.ndarray]:
    from onnx.reference import ReferenceEvaluator

    feeds = {str(value.name): constant(value) for value in node.inputs if value is not None}
    feeds = {name: labels if array is None else array for name, array in feeds.items()}
    return [np.asarray(array) for array in ReferenceEvaluator(ir.to_proto(node)).run(None, feeds)]
