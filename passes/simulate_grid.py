"""Puts weights on a grid that is not evenly spaced, and leaves them float."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.channels import can_scale
from edgeq.passes.editing import constant, set_constant
from edgeq.passes.weighted import channel_axis, is_weighted
from edgeq.quant.grids import FAMILIES, Codebook, fit_best


@dataclass(frozen=True)
class SimulateGrid(ir.passes.InPlacePass):
    """Replaces the weights of each layer by their nearest numbers on a grid, one scale per output channel.

    What a grid costs in accuracy, before there is a kernel for it: the result is a float model that onnxruntime runs.
    Biases and activations stay as they are. A layer takes the grid of its family (exponent, split of bits) with the
    least square error. Declines weights that the graph computes. Changes the function; idempotent up to float rounding.

    Source: the grids have theirs in `edgeq.quant.grids`.

    Attributes:
        grid: A family: `integer`, `power`, `log2`, `log2x2`, `minifloat`; or one of its grids, such as `e4m3`.
        bits: Width of a weight, 2 to 8.
    """

    grid: str = "log2"
    bits: int = 4

    def __post_init__(self) -> None:
        self.codebooks()

    def codebooks(self) -> list[Codebook]:
        """The grids that a layer chooses from.

        Raises:
            ValueError: There is no such grid of this width.
        """
        if not 2 <= self.bits <= 8:
            raise ValueError(f"grids have 2 to 8 bits, not {self.bits}")
        named = {book.name: [book] for family in FAMILIES.values() for book in family(self.bits)}
        found = named | {name: family(self.bits) for name, family in FAMILIES.items()}
        if self.grid not in found:
            raise ValueError(f"there is no grid {self.grid!r} of {self.bits} bits; there are: {', '.join(found)}")
        return found[self.grid]

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        codebooks = self.codebooks()
        replaced = [_replace(node, codebooks) for node in model.graph if is_weighted(node) and _own_weight(node)]
        return ir.passes.PassResult(model, modified=any(replaced))


def _own_weight(node: ir.Node) -> bool:
    return can_scale(node) or (node.op_type == "MatMul" and constant(node.inputs[1]) is not None)


def _replace(node: ir.Node, codebooks: list[Codebook]) -> bool:
    """Whether the weight of a node is another now."""
    weight, axis = constant(node.inputs[1]), channel_axis(node)
    assert weight is not None
    channels = np.moveaxis(weight, axis, 0)
    fitted, _ = fit_best(channels.reshape(len(channels), -1), codebooks)
    replaced = np.moveaxis(fitted.reshape(channels.shape), 0, axis).astype(weight.dtype)
    set_constant(node, 1, f"{node.name}_weight", np.ascontiguousarray(replaced))
    return not np.array_equal(replaced, weight)
