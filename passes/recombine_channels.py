"""Makes up for badly quantized or removed channels by linear combinations of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.passes.channel_groups import is_layer
from edgeq.passes.decline import Decline, silently
from edgeq.passes.editing import constant, set_constant, sole_consumer
from edgeq.passes.weighted import group_count, weight_bits_of
from edgeq.quant.qparams import weight_scales


@dataclass(frozen=True)
class RecombineChannels(ir.passes.InPlacePass):
    """Expresses what a layer's channels lose as combinations of its channels, and folds these into the next layer.

    The rows w of a layer and their biases, quantized to v, give S with w = S v as nearly as the ridge lets S leave the
    identity: S = I + (w - v) v^T (v v^T + ridge)^-1. The next layer then reads S times the channels that there are:
    its weights W become W S. Closed form, from weights alone. A rectifier in between, with which combinations do not
    commute, is left out of account; so a pair is changed only where the measured loss falls by `least_gain`.

    Changes the float function: it is one that loses less when it is quantized. Declines layers with several readers,
    with groups behind them, or with anything but a rectifier in between.

    Source: Bai et al., "Unified Data-Free Compression: Pruning and Quantization without Fine-Tuning", ICCV 2023,
    sections 3.2 to 3.4; a removed channel is one whose quantized row is zero.

    Attributes:
        judge: Measures what a float model loses when it is quantized, against another one, as `OutputNoise` does.
        weight_bits, per_channel: See `InsertQdq`.
        ridge: As a share of the mean square of a quantized row.
        least_gain: Share by which the measured loss must fall.
        decline: Told what is not changed, and why.
    """

    judge: Callable[[ir.Model, ir.Model], float]
    weight_bits: int = 8
    per_channel: bool = True
    ridge: float = 0.3
    least_gain: float = 0.02
    decline: Decline = silently

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        loss, modified, reference = None, False, model.clone()
        for first, second in list(_pairs(model.graph)):
            loss = self.judge(model, reference) if loss is None else loss
            before = constant(second.inputs[1])
            assert before is not None
            set_constant(second, 1, f"{second.name}_weight", self._recombined(first, before))
            after = self.judge(model, reference)
            if after < (1 - self.least_gain) * loss:
                loss, modified = after, True
            else:
                set_constant(second, 1, f"{second.name}_weight", before)
                self.decline(f"{second.name}: combinations of the channels of {first.name} did not lower the loss")
        return ir.passes.PassResult(model, modified)

    def _recombined(self, first: ir.Node, weight: np.ndarray) -> np.ndarray:
        """The next layer's weight over the channels that there are."""
        mix = combination(*self._rows(first), self.ridge)
        return np.moveaxis(np.tensordot(mix.T, weight, axes=(1, 1)), 0, 1).astype(weight.dtype)

    def _rows(self, node: ir.Node) -> tuple[np.ndarray, np.ndarray]:
        """Weights and bias of each channel, as they are and with the weights rounded: (channels, inputs + 1)."""
        weight = constant(node.inputs[1])
        assert weight is not None
        bits, bias = weight_bits_of(node, self.weight_bits), constant(node.inputs[2]) if len(node.inputs) > 2 else None
        rows = weight.reshape(len(weight), -1).astype(np.float64)
        step = weight_scales(rows, 0 if self.per_channel else None, bits).reshape(-1, 1).astype(np.float64)
        column = np.zeros((len(rows), 1)) if bias is None else bias.reshape(-1, 1)
        return tuple(np.hstack([part, column]) for part in (rows, np.rint(rows / step) * step))  # type: ignore[return-value]


def combination(rows: np.ndarray, present: np.ndarray, ridge: float) -> np.ndarray:
    """S near the identity with rows = S present, nearly: (channels, channels).

    Args:
        rows: Of the channels as they should be, (channels, inputs).
        present: As they are, of the same shape; zeros for a removed one.
        ridge: Pull towards the identity, as a share of the mean square of a present row.
    """
    gram = present @ present.T
    pull = ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.eye(len(gram)) + np.linalg.solve(gram + pull, present @ (rows - present).T).T


def _pairs(graph: ir.Graph) -> Iterator[tuple[ir.Node, ir.Node]]:
    """Layers, and the layer that alone reads each, if through a rectifier."""
    for node in graph:
        reader = sole_consumer(node.outputs[0]) if is_layer(node) else None
        if reader is not None and reader.op_type == "Relu":
            reader = sole_consumer(reader.outputs[0])
        if reader is not None and is_layer(reader) and group_count(reader) == 1:
            yield node, reader
