"""Small edits that the passes share. A value's name always stands for the same function of the graph inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir


def constant(value: ir.Value | None) -> np.ndarray | None:
    """The array of an initializer; None for anything else."""
    if value is None or value.const_value is None or not value.is_initializer():
        return None
    return value.const_value.numpy()


def parameter(value: ir.Value | None) -> bool:
    """Whether the value is an initializer, as it is or behind quantizers."""
    while value is not None and not value.is_initializer():
        node = value.producer()
        if node is None or node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            return False
        value = node.inputs[0]
    return value is not None


def scalar(value: ir.Value | None) -> float | None:
    """The number in a one-element initializer; None for anything else."""
    array = constant(value)
    return float(array.reshape(())) if array is not None and array.size == 1 else None


def is_number(value: ir.Value | None, number: float, tolerance: float = 1e-6) -> bool:
    """Whether the value is a one-element initializer that holds a number, but for a relative tolerance."""
    found = scalar(value)
    return found is not None and math.isclose(found, number, rel_tol=tolerance)


def integers(value: ir.Value | None) -> tuple[int, ...] | None:
    """The numbers in an integer initializer; None for anything else."""
    array = constant(value)
    return None if array is None else tuple(int(i) for i in array.reshape(-1))


def static_shape(value: ir.Value | None) -> tuple[int, ...] | None:
    """The shape if every dimension is known."""
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return value.shape.numpy()


def sole_consumer(value: ir.Value) -> ir.Node | None:
    """The one node that uses the value, if nothing else (no graph output either) does."""
    uses = value.uses()
    return next(iter(uses)).node if len(uses) == 1 and not value.is_graph_output() else None


def add_constant(graph: ir.Graph, name: str, array: np.ndarray) -> ir.Value:
    """A new initializer, named `name` or, where that is taken, `name_1`, `name_2`, ..."""
    value = ir.Value(name=unused_name(graph, name), const_value=ir.tensor(array))
    value.shape = ir.Shape(array.shape)
    value.type = ir.TensorType(ir.DataType.from_numpy(array.dtype))
    graph.register_initializer(value)
    return value


def unused_name(graph: ir.Graph, name: str) -> str:
    """`name`, or `name` with the first free number behind it."""
    made = (value.name for node in graph for value in node.outputs)
    taken = {*graph.initializers, *(value.name for value in graph.inputs), *made}
    number, candidate = 0, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def insert_node(
    before: ir.Node, op_type: str, inputs: Sequence[ir.Value | None], name: str, output: str, **attributes: object
) -> ir.Value:
    """Put a one-output node in front of `before`; the value it makes, without shape, of the type of its first input."""
    graph = before.graph
    assert graph is not None
    node = ir.node(op_type, inputs, attributes=attributes, name=name)  # type: ignore[arg-type]
    value = node.outputs[0]
    value.name = unused_name(graph, output)
    value.type = inputs[0].type if inputs[0] is not None else None
    graph.insert_before(before, node)
    return value


def replace_value(old: ir.Value, new: ir.Value) -> bool:
    """Let everything that uses `old` use `new`; a graph output keeps its name.

    Returns:
        False, and nothing changed, where `old` is a graph output and `new` cannot take its name.
    """
    if old.is_graph_output():
        if new.is_graph_input() or new.is_initializer() or new.is_graph_output():
            return False
        name, old.name = old.name, None
        old.replace_all_uses_with(new, replace_graph_outputs=True)
        new.name = name
    else:
        old.replace_all_uses_with(new)
    return True


def bypass(node: ir.Node) -> bool:
    """Remove a node whose first output equals its first input. False where graph outputs forbid it."""
    source = node.inputs[0]
    assert source is not None and node.graph is not None
    if not replace_value(node.outputs[0], source):
        return False
    node.graph.remove(node, safe=True)
    return True


def named_alike(value: ir.Value, replaced: ir.Value) -> ir.Value:
    """`value`; the node that makes it gets the name of the one that made `replaced`."""
    new, old = value.producer(), replaced.producer()
    assert new is not None and old is not None
    new.name = old.name
    return value


def substitute(node: ir.Node, result: ir.Value) -> None:
    """Remove a node with one output; `result`, which equals that output, takes over its name and uses."""
    old = node.outputs[0]
    name, old.name = old.name, None
    old.replace_all_uses_with(result, replace_graph_outputs=True)
    result.name = name
    assert node.graph is not None
    node.graph.remove(node, safe=True)


def set_constant(node: ir.Node, index: int, name: str, array: np.ndarray) -> None:
    """Let input `index` of `node` be `array`: in place where nobody else uses the initializer, else a new one."""
    assert node.graph is not None
    old = node.inputs[index] if index < len(node.inputs) else None
    if old is not None and sole_consumer(old) is node and old.is_initializer():
        old.const_value = ir.tensor(array, name=old.name)
        old.shape = ir.Shape(array.shape)
        return
    if index >= len(node.inputs):
        node.resize_inputs(index + 1)
    node.replace_input_with(index, add_constant(node.graph, old.name if old is not None and old.name else name, array))
