"""What strategies may know of a model's layers without trying anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.frontend.survey import node_macs
from edgeq.passes.assign_widths import activation_layers, weight_layers
from edgeq.passes.editing import constant
from edgeq.passes.quantization_points import group_output
from edgeq.passes.weighted import channel_axis, is_weighted, weight_of
from edgeq.search.strategy import Layer

if TYPE_CHECKING:
    import onnx_ir as ir


def layer_facts(model: ir.Model, feeds: Mapping[str, np.ndarray]) -> tuple[Layer, ...]:
    """Facts about the layers whose widths can be chosen, in the model's order.

    Args:
        model: Canonical, float.
        feeds: A few samples per graph input.
    """
    nodes = {**weight_layers(model.graph), **activation_layers(model.graph)}
    ordered = [node for node in model.graph if str(node.name) in nodes]
    values = _values(model, ordered, feeds)
    return tuple(
        Layer(
            str(node.name),
            node.op_type,
            node_macs(node),
            _weight(node),
            values[_input(node)],
            values[str(group_output(node).name)],
        )
        for node in ordered
    )


def _values(model: ir.Model, nodes: list[ir.Node], feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the nodes read and, behind a fused activation, make."""
    wanted = {name for node in nodes for name in (_input(node), str(group_output(node).name))} - feeds.keys()
    return {**feeds, **FloatRunner(model, sorted(wanted)).run(feeds)}


def _input(node: ir.Node) -> str:
    """The first input that is computed."""
    return next(str(value.name) for value in node.inputs if value is not None and not value.is_initializer())


def _weight(node: ir.Node) -> np.ndarray | None:
    """Output channels first."""
    weight = constant(weight_of(node)) if is_weighted(node) else None
    return None if weight is None else np.moveaxis(weight, channel_axis(node), 0)
