"""Removes the transposes that exporters put around operators of the other layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, bypass, insert_node, static_shape, substitute, unused_name
from edgeq.passes.permute import activations, can_permute, inverse, permute


class Layout(ir.passes.InPlacePass):
    """Cancel Transposes, also across regions of operators that work in any axis order.

    A region (element-wise operators, Concat, Split, Softmax, Pad, Slice that feed each other) is moved to the layout
    from before its Transposes wherever that leaves fewer of them; at graph inputs and outputs, and where Reshape needs
    an order, they stay. A Transpose in front of Reshape that only moves axes of size 1 goes. Quantizers are borders.

    The function is unchanged; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        while _merge_all(model.graph) or _move_one(model.graph):
            changed = True
        for node in model.graph:
            changed |= node.op_type == "Transpose" and _skip_by_reshape(node)
        return ir.passes.PassResult(model, changed)


def permutation(node: ir.Node) -> list[int]:
    """Of a Transpose: axis i of the output is axis perm[i] of the input."""
    rank = len(static_shape(node.inputs[0]) or ())
    return list(node.attributes.get_ints("perm", tuple(reversed(range(rank)))) or ())


@dataclass(frozen=True)
class _Region:
    """Nodes that can all run without `perm`.

    Attributes:
        sources: What flows in, activations only.
        results: What flows out: used by nodes outside, or graph outputs.
    """

    perm: list[int]
    nodes: list[ir.Node]

    @property
    def sources(self) -> list[ir.Value]:
        inside = set(self.nodes)
        values = (value for node in self.nodes for value in activations(node))
        return list(dict.fromkeys(value for value in values if value.producer() not in inside))

    @property
    def results(self) -> list[ir.Value]:
        return [value for node in self.nodes for value in node.outputs if value.is_graph_output() or self.users(value)]

    def users(self, value: ir.Value) -> list[ir.Node]:
        """Nodes outside that use the value."""
        return [use.node for use in value.uses() if use.node not in self.nodes]

    def entry(self, value: ir.Value) -> ir.Node | None:
        """The Transpose by `perm` that makes a source."""
        node = value.producer()
        return node if node is not None and _is_transpose(node) and permutation(node) == self.perm else None

    def loose(self, value: ir.Value) -> bool:
        """Whether a result is needed in the old layout."""
        return value.is_graph_output() or not all(_is_transpose(node) for node in self.users(value))

    def gain(self) -> int:
        """How many Transposes go when the region moves."""
        inside, back = set(self.nodes), inverse(self.perm)
        gained = 0
        for value in self.sources:
            if self.entry(value) is None:
                gained -= 1
            else:
                gained += not value.is_graph_output() and all(use.node in inside for use in value.uses())
        for value in self.results:
            gained -= self.loose(value)
            undone = [
                node.outputs[0] for node in self.users(value) if _is_transpose(node) and permutation(node) == back
            ]
            # One graph output can take over the value's place; a second one must stay a node.
            named = sum(output.is_graph_output() for output in undone)
            gained += len(undone) - max(0, named - (not value.is_graph_output()))
        return gained


def _is_transpose(node: ir.Node) -> bool:
    return node.op_type == "Transpose" and static_shape(node.inputs[0]) is not None


def _merge_all(graph: ir.Graph) -> bool:
    """Transpose behind Transpose becomes one, or none."""
    changed = False
    for node in graph:
        first = node.inputs[0].producer() if _is_transpose(node) and node.inputs[0] is not None else None
        if first is not None and _is_transpose(first):
            outer = permutation(node)
            node.replace_input_with(0, first.inputs[0])
            _set_perm(node, [permutation(first)[i] for i in outer])
            _remove_unused([first])
            changed = True
    return changed


def _set_perm(node: ir.Node, perm: Sequence[int]) -> None:
    """Change a Transpose, or remove it if nothing is left to do (and no graph output needs it as a name)."""
    node.attributes["perm"] = ir.AttrInt64s("perm", perm)
    if list(perm) == sorted(perm):
        bypass(node)


def _remove_unused(nodes: Iterable[ir.Node]) -> None:
    for node in nodes:
        if not node.outputs[0].uses() and not node.outputs[0].is_graph_output():
            assert node.graph is not None
            node.graph.remove(node, safe=True)


def _move_one(graph: ir.Graph) -> bool:
    """Move the first region that gains."""
    for node in graph:
        if _is_transpose(node):
            region = _grow(graph, node)
            if region.nodes and region.gain() > 0:
                _move(graph, region)
                return True
    return False


def _grow(graph: ir.Graph, start: ir.Node) -> _Region:
    """All nodes that any chain of permutable nodes joins to the Transpose."""
    perm = permutation(start)
    found: set[ir.Node] = set()
    frontier = [use.node for use in start.outputs[0].uses()]
    while frontier:
        node = frontier.pop()
        if node not in found and can_permute(node, len(perm)):
            found.add(node)
            frontier += [use.node for value in node.outputs for use in value.uses()]
            frontier += [producer for value in activations(node) if (producer := value.producer()) is not None]
    return _Region(perm, [node for node in graph if node in found])


def _move(graph: ir.Graph, region: _Region) -> None:
    sources, results = region.sources, region.results
    outside = {value: region.users(value) for value in results}
    loose = {value for value in results if region.loose(value)}
    entries = [entry for value in sources if (entry := region.entry(value)) is not None]
    for value in sources:
        _enter(region, value)
    for node in region.nodes:
        permute(node, region.perm)
    for value in results:
        _leave(graph, region.perm, value, outside[value], loose=value in loose)
    _remove_unused(entries)


def _enter(region: _Region, value: ir.Value) -> None:
    """Give the region a source in the new layout."""
    entry = region.entry(value)
    users = [node for node in region.nodes if value in node.inputs]
    if entry is not None:
        moved = entry.inputs[0]
    else:
        back = inverse(region.perm)
        moved = insert_node(users[0], "Transpose", [value], f"{value.name}_transpose", f"{value.name}_t", perm=back)
        shape = static_shape(value)
        assert shape is not None
        moved.shape = ir.Shape([shape[i] for i in back])
    for node in users:
        for index, given in enumerate(node.inputs):
            if given is value:
                node.replace_input_with(index, moved)


def _leave(graph: ir.Graph, perm: list[int], value: ir.Value, users: list[ir.Node], *, loose: bool) -> None:
    """Give nodes outside what they used before; `value` is now in the new layout, and so gets a new name."""
    producer, name = value.producer(), value.name or "value"
    assert producer is not None
    transposes = [node for node in users if _is_transpose(node)]
    if loose:
        transpose = ir.node("Transpose", [value], {"perm": perm}, name=f"{producer.name}_transpose")
        graph.insert_after(producer, transpose)
        old = transpose.outputs[0]
        old.type, old.shape = value.type, ir.Shape([(static_shape(value) or ())[i] for i in perm])
        for node in users:
            if node not in transposes:
                for index, given in enumerate(node.inputs):
                    if given is value:
                        node.replace_input_with(index, old)
        _rename_output(graph, value, old)
        old.name = name
    else:
        value.name = unused_name(graph, f"{name}_t")
    for node in transposes:
        _set_perm(node, [perm[i] for i in permutation(node)])


def _rename_output(graph: ir.Graph, value: ir.Value, old: ir.Value) -> None:
    """If `value` is a graph output, `old` takes its place."""
    value.name = unused_name(graph, f"{value.name}_t")
    for index, output in enumerate(graph.outputs):
        if output is value:
            graph.outputs[index] = old


def _skip_by_reshape(node: ir.Node) -> bool:
    """A Transpose that moves only axes of size 1 is no work for the Reshape behind it."""
    x, y = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    users = [use.node for use in node.outputs[0].uses()]
    if x is None or y is None or node.outputs[0].is_graph_output() or not users:
        return False
    large = [axis for axis in permutation(node) if x[axis] != 1]
    shapes = [static_shape(user.outputs[0]) for user in users]
    if large != sorted(large) or not all(user.op_type in _RESHAPES for user in users) or None in shapes:
        return False
    for user, shape in zip(users, shapes, strict=True):
        _as_reshape(user, node.inputs[0], shape or ())
    _remove_unused([node])
    return True


_RESHAPES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})


def _as_reshape(node: ir.Node, source: ir.Value | None, shape: tuple[int, ...]) -> None:
    assert node.graph is not None
    target = add_constant(node.graph, f"{node.name}_shape", np.array(shape, np.int64))
    reshaped = insert_node(node, "Reshape", [source, target], node.name or "", node.outputs[0].name or "reshaped")
    reshaped.shape = node.outputs[0].shape
    substitute(node, reshaped)
