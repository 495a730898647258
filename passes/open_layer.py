"""A layer of a QDQ model whose weights are still float: reads and changes its constants."""

from __future__ import annotations

import math
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import constant, static_shape
from edgeq.passes.qdq import Grid, read_grid
from edgeq.passes.quantization_points import dequantizer_of, group_output
from edgeq.passes.references import change_constant, quantized_parameter, reference, set_scale
from edgeq.passes.weighted import bias_of, by_group, by_output, channel_axis, group_count, is_weighted, weight_of
from edgeq.quant.qparams import weight_scales
from edgeq.reconstruct.layer import Solution


def open_layers(graph: ir.Graph) -> list[OpenLayer]:
    """The layers with float weights behind a QuantizeLinear, in order of execution."""
    return [OpenLayer(node) for node in graph if is_weighted(node) and _weight_quantizer(node) is not None]


def require_open_layers(model: ir.Model) -> None:
    """Refuses a model whose layers are not open; one without layers, such as a recurrent network, is none.

    Raises:
        PreconditionError: There are weights, and none is float behind a QuantizeLinear.
    """
    if any(map(is_weighted, model.graph)) and not open_layers(model.graph):
        raise ir.passes.PreconditionError("no float weights behind a QuantizeLinear: run insert_qdq first")


def _weight_quantizer(node: ir.Node) -> ir.Node | None:
    undo = weight_of(node).producer()
    quantize = None if undo is None or undo.inputs[0] is None else undo.inputs[0].producer()
    return quantize if quantize is not None and constant(quantize.inputs[0]) is not None else None


@dataclass(frozen=True, eq=False)
class OpenLayer:
    """A Conv, Gemm or MatMul; its weights as (groups, outputs, inputs), its biases as (groups, outputs).

    Attributes:
        node: The operator.
    """

    node: ir.Node

    @property
    def groups(self) -> int:
        """Groups of a Conv; 1 for the others."""
        return group_count(self.node)

    @property
    def taps(self) -> int:
        """Positions of the kernel; 1 for a matrix."""
        return math.prod((static_shape(self._weight) or ())[2:])

    @property
    def channels(self) -> int:
        """Input channels of a group."""
        return self.reference_weight().shape[-1] // self.taps

    @property
    def takes_bias(self) -> bool:
        """Whether the operator can have a bias."""
        return self.node.op_type != "MatMul"

    @property
    def limits(self) -> tuple[int, int]:
        """Of the integers of the weight, less -128: DSP kernels hold two of 8 bits in a half word (`pair_words`)."""
        limits = ml_dtypes.iinfo(self._grid.zero_point.dtype)  # type: ignore[no-untyped-call]
        return max(int(limits.min), -127), int(limits.max)

    @property
    def shared(self) -> bool:
        """Whether one scale is for the whole weight."""
        return self._grid.per_tensor

    def reference_weight(self) -> np.ndarray:
        """Of the float network."""
        return by_group(self.node, reference(self._weight))

    def reference_bias(self) -> np.ndarray:
        """Of the float network; zeros where it has none."""
        bias = bias_of(self.node)
        return by_output(self.node, np.zeros(1) if bias is None else reference(bias))

    def present(self) -> Solution:
        """What the node's constants stand for now, the weights rounded to nearest."""
        weight, bias = constant(self._weight), constant(bias_of(self.node))
        assert weight is not None
        integers = by_group(self.node, self._grid.quantize(weight).astype(np.float32))
        values = np.zeros(1) if bias is None else bias
        return Solution(integers, by_output(self.node, self._grid.scale), by_output(self.node, values))

    def store(self, solution: Solution) -> None:
        """Makes a solution the node's weight, scales and bias; the float network keeps its own."""
        quantize, old = self._quantizer, self._weight
        change_constant(quantize, 0, str(old.name), self._join(solution.weight), reference(old))
        set_scale(quantize, solution.scale[0, 0] if self.shared else solution.scale.reshape(-1))
        if self.takes_bias:
            self.store_bias(solution.bias)

    def store_bias(self, bias: np.ndarray) -> None:
        """Makes (groups, outputs) the node's bias, in steps of the accumulator; the float network keeps its own.

        At 4 bits these steps are coarse, and the layers behind can only make up for errors that they see.
        """
        before, step = self.reference_bias().reshape(-1), self.input_scale * by_output(self.node, self._grid.scale)
        rounded = (np.rint(bias / step) * step).astype(np.float32)
        change_constant(self.node, 2, f"{self.node.name}_bias", rounded.reshape(-1), before)

    @property
    def input_quantizer(self) -> ir.Node:
        """The QuantizeLinear behind which the layer's input comes."""
        undo = dequantizer_of(self.node.inputs[0])
        quantize = None if undo is None or undo.inputs[0] is None else undo.inputs[0].producer()
        assert quantize is not None
        return quantize

    @property
    def input_scale(self) -> np.float32:
        """Of the layer's quantized input."""
        return np.float32(read_grid(self.input_quantizer).scale)

    def constants(self) -> dict[str, np.ndarray]:
        """The weight and bias of the quantized network by value name."""
        bias, found = bias_of(self.node), {str(weight_of(self.node).name): quantized_parameter(self._quantizer)}
        values = constant(bias)
        return found if bias is None or values is None else found | {str(bias.name): values}

    def floor(self, bias: np.ndarray) -> np.ndarray:
        """The least scales that the arithmetic contract allows beside a bias."""
        source, sink = self.input_quantizer, group_output(self.node).consumers()[0]
        scales = weight_scales(
            np.zeros((bias.size, 1)),
            None if self.shared else 0,
            bits=8,
            bias=bias,
            input_scale=float(read_grid(source).scale),
            output_scale=float(read_grid(sink).scale),
            input_bits=8 * read_grid(source).zero_point.dtype.itemsize,
        )
        return by_output(self.node, scales)

    @property
    def _quantizer(self) -> ir.Node:
        node = _weight_quantizer(self.node)
        assert node is not None
        return node

    @property
    def _weight(self) -> ir.Value:
        """The float initializer."""
        value = self._quantizer.inputs[0]
        assert value is not None
        return value

    @property
    def _grid(self) -> Grid:
        return read_grid(self._quantizer)

    def _join(self, weight: np.ndarray) -> np.ndarray:
        """An ONNX weight from (groups, outputs, inputs)."""
        axis, shape = channel_axis(self.node), reference(self._weight).shape
        rows = weight.reshape(shape[axis], *(size for i, size in enumerate(shape) if i != axis))
        return np.ascontiguousarray(np.moveaxis(rows, 0, axis))
