"""Checks on an untrusted model before any other library works on it."""

from __future__ import annotations

import graphlib
import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import onnx
import onnx_ir as ir
from onnx import numpy_helper

from edgeq.errors import ModelError, UnsupportedError
from edgeq.frontend.limits import MAX_ELEMENTS, MIN_OPSET
from edgeq.frontend.read import tensors

_SOUND = "export the model from a sound checkpoint"
_FLOAT = onnx.TensorProto.FLOAT
_TOKENS = (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.INT16, onnx.TensorProto.INT8)
_GRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
_SPARSE = (onnx.AttributeProto.SPARSE_TENSOR, onnx.AttributeProto.SPARSE_TENSORS)
_INEXACT = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}


def check_structure(model: onnx.ModelProto) -> None:
    """Refuse what is broken or what edgeq never compiles, without looking at tensor data.

    Raises:
        ModelError: Wrong opset, duplicate or missing names, a cycle, absurd sizes.
        UnsupportedError: Other domains, local functions, subgraphs, sparse or string tensors, or graph inputs that are
            neither float32 nor signed integers.
    """
    _check_opset(model)
    _check_nodes(model)
    _check_interface(model.graph)
    _check_tensors(model.graph)
    _check_names(model.graph)


def check_values(model: onnx.ModelProto) -> None:
    """Refuse tensors that are cut short, NaN or infinite; masks may hold minus infinity (`BoundMasks`).

    Raises:
        ModelError: Naming the tensor.
    """
    for name, tensor in tensors(model.graph):
        try:
            values = numpy_helper.to_array(tensor)
        except Exception as error:  # onnx raises ValueError, TypeError, ... for data that do not fit dims or type
            raise ModelError(f"the tensor's data do not fit its shape and type: {error}", tensor=name) from error
        if tensor.data_type in _INEXACT and not (values.astype(np.float64) < np.inf).all():
            raise ModelError("the tensor holds NaN or infinite values", tensor=name, fix=_SOUND)


def check_finite(model: ir.Model) -> None:
    """Refuse a canonical model with constants that are NaN or infinite: a negative variance was folded, say.

    Raises:
        ModelError: Naming the tensor.
    """
    for name, value in model.graph.initializers.items():
        tensor = value.const_value
        if tensor is not None and tensor.dtype.is_floating_point() and not np.isfinite(tensor.numpy()).all():
            raise ModelError(
                "the tensor holds NaN or infinite values, or folding constants gives such", tensor=name, fix=_SOUND
            )


def node_label(node: onnx.NodeProto) -> str:
    """How errors call a node: its name, or operator and first output."""
    return node.name or f"{node.op_type} -> {next(iter(node.output), '')}"


def _opset(model: onnx.ModelProto) -> int:
    """Version of the default domain; 0 where none is stated."""
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def _check_opset(model: onnx.ModelProto) -> None:
    version, newest = _opset(model), onnx.defs.onnx_opset_version()
    if not MIN_OPSET <= version <= newest:
        found = f"opset {version}" if version else "no opset"
        raise ModelError(
            f"the model states {found}; edgeq reads {MIN_OPSET} to {newest}",
            fix=f"export with an opset between {MIN_OPSET} and {newest}",
        )


def _check_nodes(model: onnx.ModelProto) -> None:
    version = _opset(model)
    for node in model.graph.node:
        label = node_label(node)
        if node.domain not in ("", "ai.onnx"):
            raise UnsupportedError(
                f"operator {node.domain}.{node.op_type} is not a standard ONNX operator",
                node=label,
                fix="export with standard ONNX operators only (domain ai.onnx)",
            )
        if not onnx.defs.has(node.op_type, max_inclusive_version=version):
            raise UnsupportedError(
                f"operator {node.op_type} does not exist in ONNX opset {version}",
                node=label,
                fix="export with a newer opset, or without this operator",
            )
        for attribute in node.attribute:
            if attribute.type in _GRAPHS:
                raise UnsupportedError(
                    f"control flow ({node.op_type}) cannot be compiled",
                    node=label,
                    fix="export by tracing, so that the graph has no branches and loops",
                )
            if attribute.type in _SPARSE:
                raise UnsupportedError("sparse tensors are not supported", node=label, fix="store the tensor dense")


def _check_interface(graph: onnx.GraphProto) -> None:
    stored = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name not in stored and value.type.tensor_type.elem_type not in (_FLOAT, *_TOKENS):
            kind = value.type.WhichOneof("value") or "untyped"
            if kind == "tensor_type":
                kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
            raise UnsupportedError(
                f"graph input {value.name!r} is {kind}, neither a float32 tensor nor one of signed integers",
                tensor=value.name,
                fix="export the model with float32 inputs, or int64 ones where they are tokens",
            )
    if graph.sparse_initializer:
        raise UnsupportedError(
            "sparse initializers are not supported",
            tensor=graph.sparse_initializer[0].values.name,
            fix="store the weights dense",
        )
    if not graph.output:
        raise ModelError("the graph has no output")


def _check_tensors(graph: onnx.GraphProto) -> None:
    for name, tensor in tensors(graph):
        if tensor.data_type == onnx.TensorProto.STRING:
            raise UnsupportedError("string tensors are not supported", tensor=name, fix="remove text processing")
        if tensor.data_type not in onnx.TensorProto.DataType.values():
            raise ModelError(f"the tensor has the unknown type {tensor.data_type}", tensor=name)
        _check_dims(name, tensor.dims)


def _check_dims(name: str, dims: Iterable[int]) -> None:
    dims = list(dims)
    if any(d < 0 for d in dims):
        raise ModelError(f"the tensor has the negative dimension {min(dims)}", tensor=name)
    if math.prod(dims) > MAX_ELEMENTS:
        raise ModelError(
            f"the tensor has {math.prod(dims)} elements; the limit is {MAX_ELEMENTS}",
            tensor=name,
            fix="edgeq compiles networks for small devices: split or shrink the tensor",
        )


def _check_names(graph: onnx.GraphProto) -> None:
    """Every value is defined exactly once, before anything that needs it, and no node needs itself."""
    stored = [tensor.name for tensor in graph.initializer]
    inputs = [value.name for value in graph.input if value.name not in set(stored)]
    made = [name for node in graph.node for name in node.output if name]
    for name, count in Counter([*stored, *inputs, *made]).items():
        if count > 1:
            raise ModelError(f"the name {name!r} is defined {count} times", tensor=name)
    known = {*stored, *inputs, *made, ""}
    for node in graph.node:
        for name in node.input:
            if name not in known:
                raise ModelError(
                    f"input {name!r} is neither computed, nor a graph input, nor an initializer",
                    node=node_label(node),
                    tensor=name,
                    fix="export the model with its weights",
                )
    for value in graph.output:
        if value.name not in known:
            raise ModelError(f"graph output {value.name!r} is never computed", tensor=value.name)
    _check_acyclic(graph)


def _check_acyclic(graph: onnx.GraphProto) -> None:
    producer = {name: index for index, node in enumerate(graph.node) for name in node.output}
    needs = {
        index: {producer[name] for name in node.input if name in producer} for index, node in enumerate(graph.node)
    }
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        cycle = " -> ".join(node_label(graph.node[index]) for index in error.args[1])
        raise ModelError(f"the graph has a cycle: {cycle}", node=node_label(graph.node[error.args[1][0]])) from None
