"""One form of LSTM and GRU out of the many that exporters write."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, constant, insert_node, replace_value, static_shape
from edgeq.quant.scheme import RECURRENT

STATES = 5
"""The first input that is a state before the first step."""


class NormalizeRecurrent(ir.passes.InPlacePass):
    """LSTM and GRU get one direction, no states before the first step, and only the output of all steps.

    - Two directions become two operators and a Concat.
    - States before the first step that are zero go, as does a number of steps that is that of the input.
    - The state behind the last step becomes a slice of all steps.

    Other states, and the state c behind the last step, are declined. The function is unchanged; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in list(model.graph):
            if node.op_type in RECURRENT and static_shape(node.inputs[0]) is not None and _has_weights(node):
                changed |= _drop_zero_states(node)
                changed |= _slice_last_state(node)
                changed |= _split_directions(node)
        return ir.passes.PassResult(model, changed)


def _has_weights(node: ir.Node) -> bool:
    given = [constant(value) for value in node.inputs[1:4] if value is not None]
    return len(given) > 1 and all(array is not None for array in given)


def _drop_zero_states(node: ir.Node) -> bool:
    changed = False
    for index in range(STATES, min(len(node.inputs), STATES + 2)):
        state = constant(node.inputs[index])
        if state is not None and not state.any():
            node.replace_input_with(index, None)
            changed = True
    return changed


def _slice_last_state(node: ir.Node) -> bool:
    """Y_h (directions, batch, hidden): of Y (steps, directions, batch, hidden) the last step, or the first one."""
    if len(node.outputs) < 2 or not (node.outputs[1].uses() or node.outputs[1].is_graph_output()):
        return False
    graph, state, y = node.graph, node.outputs[1], _all_steps(node)
    assert graph is not None
    steps, directions, *rest = static_shape(y) or ()
    reverse = [_direction(node) == "reverse", True][:directions]
    ends = [
        _step(node, y, 0 if backwards else steps - 1, place, (1, 1, *rest)) for place, backwards in enumerate(reverse)
    ]
    last = _behind(node, "Concat", ends, "ends", (1, directions, *rest), axis=1) if directions > 1 else ends[0]
    axis = add_constant(graph, f"{state.name}_axis", np.array([0], np.int64))
    return replace_value(state, _behind(node, "Squeeze", [last, axis], "state", (directions, *rest)))


def _all_steps(node: ir.Node) -> ir.Value:
    """Y, with a name and a shape even where the model left it out."""
    y = node.outputs[0]
    if not y.name:
        y.name = f"{node.name}_steps"
    if static_shape(y) is None:
        steps, batch, _ = static_shape(node.inputs[0]) or ()
        recurrence = static_shape(node.inputs[2]) or ()
        y.shape, y.type = ir.Shape((steps, recurrence[0], batch, recurrence[2])), node.inputs[0].type  # type: ignore[union-attr]
    return y


def _step(node: ir.Node, y: ir.Value, step: int, direction: int, shape: tuple[int, ...]) -> ir.Value:
    assert node.graph is not None
    bounds = ([step, direction], [step + 1, direction + 1], [0, 1])
    operands = [add_constant(node.graph, f"{y.name}_bound", np.array(numbers, np.int64)) for numbers in bounds]
    return _behind(node, "Slice", [y, *operands], f"end{direction}", shape)


def _behind(
    node: ir.Node, op_type: str, inputs: list[ir.Value], suffix: str, shape: tuple[int, ...], **attributes: int
) -> ir.Value:
    """The output of a new node right behind the one that makes its first input.

    Slices of the same value so come in reverse order, and a Concat behind the first of them behind all.
    """
    graph, after = node.graph, inputs[0].producer()
    assert graph is not None and after is not None
    successor = ir.node(op_type, inputs, attributes=attributes, name=f"{node.name}_{suffix}")
    value = successor.outputs[0]
    value.name, value.type, value.shape = f"{node.name}_{suffix}", inputs[0].type, ir.Shape(shape)
    graph.insert_after(after, successor)
    return value


def _direction(node: ir.Node) -> str:
    return str(node.attributes.get_string("direction", "forward"))


def _split_directions(node: ir.Node) -> bool:
    """An operator for each direction, and what both put out side by side."""
    if _direction(node) != "bidirectional" or node.graph is None:
        return False
    y = _all_steps(node)
    steps, _, batch, hidden = static_shape(y) or ()
    halves = [_half(node, place, way, (steps, 1, batch, hidden)) for place, way in enumerate(("forward", "reverse"))]
    joined = insert_node(node, "Concat", halves, f"{node.name}_directions", f"{y.name}_both", axis=1)
    joined.shape = y.shape
    replace_value(y, joined)
    node.graph.remove(node, safe=True)
    return True


def _half(node: ir.Node, place: int, way: str, shape: tuple[int, ...]) -> ir.Value:
    assert node.graph is not None
    operands: list[ir.Value | None] = [node.inputs[0]]
    for value in node.inputs[1:4]:
        array = constant(value)
        assert value is not None and array is not None
        operands.append(add_constant(node.graph, f"{value.name}_{way}", array[place : place + 1]))
    attributes = {**dict(node.attributes), "direction": way}
    half = insert_node(
        node, node.op_type, operands, f"{node.name}_{way}", f"{node.outputs[0].name}_{way}", **attributes
    )
    half.shape = ir.Shape(shape)
    return half
