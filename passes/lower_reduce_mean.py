"""Turns means over image axes into pooling."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgeq.passes.editing import add_constant, insert_node, integers, static_shape, substitute


class LowerReduceMean(ir.passes.InPlacePass):
    """ReduceMean over axes other than batch and channels becomes GlobalAveragePool or AveragePool.

    Where the mean runs over NHWC's image axes (1, 2), a Transpose goes in front. Dropped axes (`keepdims=0`) become a
    Reshape. A mean over batch or channels is declined.

    The function is unchanged up to float rounding; idempotent.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for node in model.graph:
            if node.op_type == "ReduceMean":
                changed |= _lower(node)
        return ir.passes.PassResult(model, changed)


def _lower(node: ir.Node) -> bool:
    source = node.inputs[0]
    x, y = static_shape(source), static_shape(node.outputs[0])
    axes = _axes(node, len(x)) if x is not None else None
    if source is None or x is None or y is None or axes is None or len(x) not in (3, 4) or 0 in axes:
        return False
    channels_last = axes == tuple(range(1, len(x) - 1))
    if 1 in axes and not channels_last:
        return False
    name, output = node.name or "", node.outputs[0].name or "mean"
    if channels_last:
        perm = [0, len(x) - 1, *axes]
        source = insert_node(node, "Transpose", [source], f"{name}_transpose", f"{output}_nchw", perm=perm)
        x, axes = tuple(x[i] for i in perm), tuple(range(2, len(x)))
        source.shape = ir.Shape(x)
    pooled = _pool(node, source, x, axes, name, output)
    if static_shape(pooled) != y:
        shape = add_constant(node.graph, f"{output}_shape", np.array(y, np.int64))  # type: ignore[arg-type]
        pooled = insert_node(node, "Reshape", [pooled, shape], f"{name}_reshape", output)
        pooled.shape = node.outputs[0].shape
    substitute(node, pooled)
    return True


def _axes(node: ir.Node, rank: int) -> tuple[int, ...] | None:
    """The reduced axes, normalized and sorted; None where they are not constant or there are none."""
    given = integers(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] is not None else ()
    return tuple(sorted(axis % rank for axis in given)) if given else None


def _pool(
    node: ir.Node, source: ir.Value, x: tuple[int, ...], axes: tuple[int, ...], name: str, output: str
) -> ir.Value:
    if axes == tuple(range(2, len(x))):
        pooled = insert_node(node, "GlobalAveragePool", [source], name, f"{output}_pooled")
    else:
        kernel = [x[i] if i in axes else 1 for i in range(2, len(x))]
        ones = [1] * len(kernel)
        window = {"kernel_shape": kernel, "strides": ones, "dilations": ones, "pads": [0] * 2 * len(ones)}
        pooled = insert_node(node, "AveragePool", [source], name, f"{output}_pooled", **window)
    pooled.shape = ir.Shape([1 if i in axes else size for i, size in enumerate(x)])
    return pooled
