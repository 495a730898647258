"""Where precision is lost: each quantized layer, by itself and in the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.suffix import Suffix
from edgeq.passes.editing import constant
from edgeq.passes.qdq import read_grid
from edgeq.passes.quantized_tensors import anchor_of, fed_at_quantizers, quantized_tensors
from edgeq.passes.weighted import is_weighted
from edgeq.report.metrics import sqnr_db

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class LayerLoss:
    """What one quantized layer (or network input) loses. SQNR in dB; None where there is nothing to compare.

    Attributes:
        name: ONNX node, or input.
        op: Its operator; `Input` for an input.
        tensor: What it makes.
        bits: Width of that tensor.
        weight_sqnr_db: Of its weights.
        own_sqnr_db: Of its output, given float inputs.
        sqnr_db: Of its output, given what the quantized layers before it make.
        network_sqnr_db: Of the network's outputs when only this layer is quantized.
        utilization: Share of the integers between the smallest and the largest that occur.
        clipped: Share of the float values outside the range.
    """

    name: str
    op: str
    tensor: str
    bits: int
    weight_sqnr_db: float | None
    own_sqnr_db: float
    sqnr_db: float
    network_sqnr_db: float
    utilization: float
    clipped: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def layer_losses(
    prepared: ir.Model,
    quantized: ir.Model,
    feeds: Mapping[str, np.ndarray],
    progress: Callable[[int, int], None] | None = None,
) -> list[LayerLoss]:
    """All layers, the one that costs the network most first.

    Args:
        prepared: The float model that was quantized, with the same tensor names.
        quantized: QDQ ONNX with frozen weights.
        feeds: Per graph input, (samples, *input shape).
        progress: Told (layers done, layers in total).
    """
    inputs = {str(value.name) for value in prepared.graph.inputs}
    known = inputs | {str(value.name) for node in prepared.graph for value in node.outputs}
    tensors = {name: node for name, node in quantized_tensors(quantized.graph).items() if name in known}
    floats = {**feeds, **FloatRunner(prepared, [name for name in tensors if name not in inputs]).run(feeds)}
    dequantized = {name: str(node.outputs[0].name) for name, node in tensors.items()}
    in_network = FloatRunner(quantized, list(dequantized.values())).run(feeds)
    fed, twins = fed_at_quantizers(quantized)
    alone = FloatRunner(fed, list(dequantized.values())).run(
        {**feeds, **{twin: floats[name] for name, twin in twins.items()}}
    )
    rows = []
    for done, (name, node) in enumerate(tensors.items(), start=1):
        own = alone[dequantized[name]]
        suffix = Suffix(prepared, name, feeds)
        network = sqnr_db(suffix.run(floats[name]), suffix.run(own))
        rows.append(_row(prepared, name, node, floats[name], own, in_network[dequantized[name]], network))
        if progress is not None:
            progress(done, len(tensors))
    return sorted(rows, key=lambda row: row.network_sqnr_db)


def _row(
    prepared: ir.Model,
    name: str,
    node: ir.Node,
    exact: np.ndarray,
    own: np.ndarray,
    in_network: np.ndarray,
    network_sqnr: float,
) -> LayerLoss:
    import ml_dtypes

    grid = read_grid(node)
    limits = ml_dtypes.iinfo(grid.zero_point.dtype)  # type: ignore[no-untyped-call]
    low, high = grid.dequantize(np.array([limits.min, limits.max]))
    half = float(grid.scale) / 2
    anchor = anchor_of(node)
    return LayerLoss(
        name=name if anchor is None else str(anchor.name),
        op="Input" if anchor is None else anchor.op_type,
        tensor=name,
        bits=int(limits.bits),
        weight_sqnr_db=None if anchor is None else _weight_sqnr(prepared, anchor),
        own_sqnr_db=sqnr_db(exact, own),
        sqnr_db=sqnr_db(exact, in_network),
        network_sqnr_db=network_sqnr,
        utilization=min(float((own.max() - own.min()) / (high - low)), 1.0),
        clipped=float(np.mean((exact < low - half) | (exact > high + half))),
    )


def _weight_sqnr(prepared: ir.Model, anchor: ir.Node) -> float | None:
    """Of the weights of a quantized layer against those of the float layer of the same name."""
    undo = anchor.inputs[1].producer() if is_weighted(anchor) and anchor.inputs[1] is not None else None
    twins = [node for node in prepared.graph if node.name == anchor.name]
    exact = constant(twins[0].inputs[1]) if twins and undo is not None else None
    stored = None if undo is None else constant(undo.inputs[0])
    if exact is None or stored is None or undo is None or exact.shape != stored.shape:
        return None
    return sqnr_db(exact, read_grid(undo).dequantize(stored))
