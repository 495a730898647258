"""Puts what Softmax puts out on a grid that is not evenly spaced, and leaves it float."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.samples import Samples
from edgeq.passes.editing import add_constant, insert_node
from edgeq.quant.grids import Codebook
from edgeq.quant.probability_grids import FAMILIES, best_codebook


@dataclass(frozen=True)
class SimulateSoftmaxGrid(ir.passes.InPlacePass):
    """Replaces the probabilities that attention computes by the nearest numbers of a grid, in float ONNX.

    What a grid costs in accuracy, before there is a kernel for it: a number's place among the borders between levels
    is counted, and the level looked up. A layer takes the grid of its family (base, angle) with the least square error
    on the samples. Declines a Softmax that is a graph output. Changes the function; the result runs in onnxruntime and
    is not quantized further, which is why no recipe holds this pass.

    Source: the grids have theirs in `edgeq.quant.probability_grids`.

    Attributes:
        samples: Inputs of the model, of which all are run at once.
        grid: A family: `even`, `log2`, `log_sqrt2`, `adaptive_log`, `tangent`.
        bits: Width of a probability, 2 to 8.
    """

    samples: Samples
    grid: str = "log2"
    bits: int = 4

    def __post_init__(self) -> None:
        if self.grid not in FAMILIES or not 2 <= self.bits <= 8:
            raise ValueError(f"grid is one of {', '.join(FAMILIES)}, of 2 to 8 bits")

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        found = [node for node in model.graph if node.op_type == "Softmax" and not node.outputs[0].is_graph_output()]
        if not found:
            return ir.passes.PassResult(model, modified=False)
        runner = FloatRunner(model, [str(node.outputs[0].name) for node in found])
        (feeds,) = self.samples.batches(len(self.samples))
        for node, values in zip(found, runner.run(feeds).values(), strict=True):
            _replace(node, best_codebook(values, FAMILIES[self.grid](self.bits)))
        return ir.passes.PassResult(model, modified=True)


def _replace(softmax: ir.Node, codebook: Codebook) -> None:
    """Puts levels[number of borders below] in the place of each number."""
    graph, exact = softmax.graph, softmax.outputs[0]
    assert graph is not None
    uses = list(exact.uses())
    levels, name = codebook.levels.astype(np.float32), softmax.name
    borders = add_constant(graph, f"{name}_borders", (levels[1:] + levels[:-1]) / 2)
    table, axis = add_constant(graph, f"{name}_levels", levels), add_constant(graph, f"{name}_axis", np.array([-1]))
    following = uses[0].node
    column = insert_node(following, "Unsqueeze", [exact, axis], f"{name}_column", f"{exact.name}_column")
    above = insert_node(following, "Greater", [column, borders], f"{name}_greater", f"{exact.name}_above")
    ones = insert_node(following, "Cast", [above], f"{name}_cast", f"{exact.name}_ones", to=ir.DataType.INT64)
    place = insert_node(following, "ReduceSum", [ones, axis], f"{name}_count", f"{exact.name}_place", keepdims=0)
    level = insert_node(following, "Gather", [table, place], f"{name}_level", f"{exact.name}_level")
    above.type, ones.type, place.type = (
        ir.TensorType(kind) for kind in (ir.DataType.BOOL, ir.DataType.INT64, ir.DataType.INT64)
    )
    place.shape = level.shape = exact.shape
    for use in uses:
        use.node.replace_input_with(use.idx, level)
