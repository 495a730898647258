"""Runs many models that begin alike on the same samples: what an equal beginning made is remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.suffix import cut_behind

if TYPE_CHECKING:
    import onnx_ir as ir

KEPT_BYTES = 256 * 2**20
"""Of remembered activations; the least recently used make room."""

BYTES = ("INT8", "INT16")
"""Integers that NumPy knows: a model is cut at activations of these types."""


@dataclass(frozen=True)
class Cut:
    """A quantized activation that everything behind it reads, and nothing before it.

    Attributes:
        digest: Of all that it is computed from but the inputs: operators, attributes, constants.
    """

    name: str
    digest: bytes


class Prefixes:
    """Remembers activations at cuts, by what they are computed from and by the piece of the samples."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._kept: OrderedDict[tuple[bytes, int], np.ndarray] = OrderedDict()
        self._left = most

    def get(self, cut: Cut, piece: int) -> np.ndarray | None:
        """(samples, *shape), or None."""
        key = cut.digest, piece
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, cut: Cut, piece: int, values: np.ndarray) -> None:
        """Remembers (samples, *shape)."""
        if (cut.digest, piece) not in self._kept:
            self._kept[cut.digest, piece] = values
            self._left -= values.nbytes
        while self._left < 0:
            self._left += self._kept.popitem(last=False)[1].nbytes


class PrefixRunner:
    """Runs one QDQ model from the last cut on whose activation is remembered.

    Args:
        model: Canonical, with one quantizer behind each activation; left as it is.
    """

    def __init__(self, model: ir.Model, prefixes: Prefixes) -> None:
        self._model, self._prefixes = model, prefixes
        self._output = str(model.graph.outputs[0].name)
        self._cuts = find_cuts(model.graph)
        self._runners: dict[int, FloatRunner] = {}

    def run(self, feeds: Mapping[str, np.ndarray], piece: int) -> np.ndarray:
        """The first output: (samples, *shape).

        Args:
            feeds: Per graph input, (samples, *shape).
            piece: Number that stands for these samples.
        """
        first, given = 0, dict(feeds)
        for index in reversed(range(len(self._cuts))):
            values = self._prefixes.get(self._cuts[index], piece)
            if values is not None:
                first, given = index + 1, {self._cuts[index].name: values}
                break
        made = self._runner(first).run(given)
        for cut in self._cuts[first:]:
            self._prefixes.put(cut, piece, made[cut.name])
        return made[self._output]

    def _runner(self, first: int) -> FloatRunner:
        """Of what is behind the cuts before `first`."""
        if first not in self._runners:
            behind = cut_behind(self._model, self._cuts[first - 1].name)[0] if first else self._model
            self._runners[first] = FloatRunner(behind, [*(cut.name for cut in self._cuts[first:]), self._output])
        return self._runners[first]


def find_cuts(graph: ir.Graph) -> list[Cut]:
    """Where the graph hangs together by one quantized activation alone, in order of execution."""
    digests: dict[ir.Value, bytes] = {value: str(value.name).encode() for value in graph.inputs}
    last = {value: i for i, node in enumerate(graph) for value in node.inputs if value is not None}
    last |= {value: len(graph) for value in graph.outputs}
    live, cuts = set(graph.inputs), []
    for i, node in enumerate(graph):
        digest = _digest(node, digests)
        for value in node.outputs:
            digests[value] = digest + str(value.index()).encode()
            if not _is_constant(node):
                live.add(value)
        live = {value for value in live if last.get(value, -1) > i}
        made = node.outputs[0]
        if live == {made} and node.op_type == "QuantizeLinear" and made.dtype is not None and made.dtype.name in BYTES:
            cuts.append(Cut(str(made.name), digests[made]))
    return cuts


def _is_constant(node: ir.Node) -> bool:
    """Whether a node dequantizes a parameter."""
    return all(value is None or value.is_initializer() for value in node.inputs)


def _digest(node: ir.Node, digests: Mapping[ir.Value, bytes]) -> bytes:
    """Of a node and all that is before it."""
    digest = sha256(f"{node.domain}:{node.op_type}:{sorted(map(str, node.attributes.values()))}".encode())
    for value in node.inputs:
        if value is not None and value.const_value is not None:
            digest.update(f"{value.dtype}{value.shape}".encode() + value.const_value.tobytes())
        else:
            digest.update(b"-" if value is None else digests[value])
    return digest.digest()
