"""Functions of tokens become tables: padding masks above all."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, constant, insert_node, static_shape, substitute
from edgeq.program.builder.gather import vocabulary
from edgeq.quant.scheme import MOVEMENT

FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Not": np.logical_not,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Where": np.where,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
}


class Tabulated(NamedTuple):
    """A value that depends on single tokens only.

    Attributes:
        table: What it is for each token: (vocabulary,).
        tokens: The tokens.
        moves: Movements of conditions on them, to be made with the tokens instead.
    """

    table: np.ndarray
    tokens: ir.Value
    moves: tuple[ir.Node, ...] = ()

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of the value."""
        return static_shape(self.moves[-1].outputs[0] if self.moves else self.tokens)


class TabulateTokens(ir.passes.InPlacePass):
    """Whatever is computed from single tokens by comparison and choice becomes Gather on a constant table.

    So do the masks that exporters compute from padding: they then are embeddings like others. All integer graph inputs
    become int64, and casts to other integers vanish. What depends on several tokens at once, or on those of a network
    that gathers nothing by them, is declined.

    The function is unchanged on tokens of the vocabulary; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        known = {value: _identity(value) for value in model.graph.inputs if _is_tokens(value)}
        changed = False
        for node in list(model.graph):
            found = _follow(node, known) if any(value in known for value in node.inputs) else None
            if found is not None:
                known[node.outputs[0]] = found
        for value, found in list(known.items()):
            if value.dtype is not None and value.dtype.is_floating_point() and _leaves(value, known):
                changed |= _replace(value, found)
        for value in known:
            changed |= _is_tokens(value) and _widen(value)
        return ir.passes.PassResult(model, changed)


def _is_tokens(value: ir.Value) -> bool:
    return value.is_graph_input() and value.dtype is not None and value.dtype.is_integer()


def _identity(tokens: ir.Value) -> Tabulated:
    return Tabulated(np.arange(_reach(tokens)), tokens)


def _reach(tokens: ir.Value) -> int:
    """The vocabulary, seen through casts."""
    casts = [_reach(node.outputs[0]) for node in tokens.consumers() if node.op_type == "Cast"]
    return max([vocabulary(tokens), *casts])


def _follow(node: ir.Node, known: dict[ir.Value, Tabulated]) -> Tabulated | None:
    """What a node makes of values of tokens; None where that depends on more than single tokens."""
    first = node.inputs[0]
    if node.op_type in MOVEMENT and first in known:
        return None if known[first].table.dtype.kind == "f" else _moved(node, known[first])
    if node.op_type == "Cast" and first in known and first is not None:
        kind = ir.DataType(node.attributes.get_int("to", 0)).numpy()
        return known[first]._replace(table=known[first].table.astype(kind))
    operands = [_operand(value, known) for value in node.inputs]
    sources = {known[value][1:] for value in node.inputs if value in known}
    if node.op_type not in FUNCTIONS or len(sources) != 1 or any(operand is None for operand in operands):
        return None
    found = Tabulated(FUNCTIONS[node.op_type](*operands), *sources.pop())
    return found if static_shape(node.outputs[0]) == found.shape else None


def _operand(value: ir.Value | None, known: dict[ir.Value, Tabulated]) -> np.ndarray | None:
    """A table, or the number that a constant is everywhere."""
    if value in known:
        return known[value].table
    array = constant(value)
    return array.flat[0] if array is not None and array.size and (array == array.flat[0]).all() else None


def _moved(node: ir.Node, source: Tabulated) -> Tabulated:
    """Movement of a condition on tokens is that condition on the tokens, moved alike."""
    if source.tokens is node.inputs[0]:
        return Tabulated(source.table, node.outputs[0])
    return source._replace(moves=(*source.moves, node))


def _leaves(value: ir.Value, known: dict[ir.Value, Tabulated]) -> bool:
    """Whether anything but a further function of the tokens uses a value."""
    return value.is_graph_output() or any(user.outputs[0] not in known for user in value.consumers())


def _replace(value: ir.Value, found: Tabulated) -> bool:
    node = value.producer()
    if node is None or node.graph is None or not len(found.table):
        return False
    tokens = found.tokens
    for move in found.moves:
        name = f"{move.outputs[0].name}_tokens"
        tokens = insert_node(node, move.op_type, [tokens, *move.inputs[1:]], name, name, **dict(move.attributes))
        tokens.shape = move.outputs[0].shape
    stored = add_constant(node.graph, f"{value.name}_table", found.table.astype(np.float32))
    gathered = insert_node(node, "Gather", [stored, tokens], node.name or "", f"{value.name}_gathered")
    gathered.shape = ir.Shape(static_shape(value) or ())
    substitute(node, gathered)
    return True


def _widen(tokens: ir.Value) -> bool:
    """Makes tokens int64, for those that use them too."""
    casts = [node for node in tokens.consumers() if node.op_type == "Cast"]
    for node in casts:
        if ir.DataType(node.attributes.get_int("to", 0)).is_integer():
            node.outputs[0].replace_all_uses_with(tokens)
            node.graph.remove(node, safe=True)  # type: ignore[union-attr]
    changed = bool(casts) or tokens.dtype != ir.DataType.INT64
    tokens.type = ir.TensorType(ir.DataType.INT64)
    return changed
