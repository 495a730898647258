"""Gives every graph input a static shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx

from edgeq.errors import ModelError, UsageError


def bind_input_shapes(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Fix the dimensions of the graph inputs in place: batch to 1, others as `shapes` says.

    A symbol that one input binds is bound everywhere. Shapes stored for other values are dropped: they may hold
    symbols, or lies, and shape inference finds them again.

    Args:
        shapes: Full shape by input name.

    Raises:
        UsageError: `shapes` names no input, or contradicts the model.
        ModelError: A dimension stays unknown.
    """
    inputs = {value.name: value for value in graph_inputs(model.graph)}
    for name in shapes:
        if name not in inputs:
            known = ", ".join(inputs)
            raise UsageError(f"the model has no input {name!r}", tensor=name, fix=f"name one of its inputs: {known}")
    symbols: dict[str, int] = {}
    for value in inputs.values():
        _bind(value, shapes.get(value.name), symbols)
    for value in inputs.values():
        _bind_symbols(value, symbols)
    _drop_other_shapes(model.graph, inputs)


def graph_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The inputs a user feeds: those without an initializer (IR 3 lists initializers among the inputs)."""
    stored = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in stored]


def _bind(value: onnx.ValueInfoProto, shape: tuple[int, ...] | None, symbols: dict[str, int]) -> None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") and shape is not None:
        tensor.shape.dim.extend(onnx.TensorShapeProto.Dimension() for _ in shape)
    dims = tensor.shape.dim
    if shape is not None and not _fits(dims, shape):
        raise UsageError(
            f"--shape {value.name}={','.join(map(str, shape))} contradicts the model's {_text(dims)}", tensor=value.name
        )
    wanted = shape if shape is not None else (1,) if dims else ()
    for dim, size in zip(dims, wanted, strict=False):
        if not dim.HasField("dim_value"):
            if dim.dim_param:
                symbols.setdefault(dim.dim_param, size)
            dim.dim_value = size


def _fits(dims: Sequence[onnx.TensorShapeProto.Dimension], shape: tuple[int, ...]) -> bool:
    return len(dims) == len(shape) and all(
        size > 0 and (not d.HasField("dim_value") or d.dim_value == size) for d, size in zip(dims, shape, strict=True)
    )


def _bind_symbols(value: onnx.ValueInfoProto, symbols: Mapping[str, int]) -> None:
    tensor = value.type.tensor_type
    for index, dim in enumerate(tensor.shape.dim):
        if dim.dim_param in symbols:
            dim.dim_value = symbols[dim.dim_param]
        if dim.dim_value <= 0:
            raise ModelError(
                f"dimension {index} of input {value.name!r} {_text(tensor.shape.dim)} is not fixed",
                tensor=value.name,
                fix=f"--shape {value.name}={_text(tensor.shape.dim, hole='N').strip('()').replace(' ', '')}",
            )
    if not tensor.HasField("shape"):
        raise ModelError(
            f"input {value.name!r} has no shape", tensor=value.name, fix=f"give it with --shape {value.name}=1,..."
        )


def _text(dims: Iterable[onnx.TensorShapeProto.Dimension], hole: str = "?") -> str:
    sizes = [str(d.dim_value) if d.dim_value > 0 else d.dim_param or hole for d in dims]
    return f"({', '.join(sizes)})"


def _drop_other_shapes(graph: onnx.GraphProto, inputs: Mapping[str, onnx.ValueInfoProto]) -> None:
    del graph.value_info[:]
    kept = list(inputs.values())
    del graph.input[:]
    graph.input.extend(kept)
    for value in graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()
