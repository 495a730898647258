"""The frontend as a whole: a file to a canonical float (or QDQ) model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx_ir as ir
from onnx_ir.passes import common

from edgeq.errors import EdgeqError, ModelError
from edgeq.frontend import limits
from edgeq.frontend.canonical import canonical_passes
from edgeq.frontend.check import check_finite, check_structure, check_values
from edgeq.frontend.read import load_external_data, read_proto
from edgeq.frontend.sandbox import WorkerError, run_worker
from edgeq.frontend.shapes import bind_input_shapes
from edgeq.frontend.support import check_supported
from edgeq.passes.qdq import INT2_IR_VERSION, INT2_OPSET
from edgeq.pipeline import PassRecord, run_passes

_INT2 = frozenset({onnx.TensorProto.INT2, onnx.TensorProto.UINT2})


def load_model(
    path: str | os.PathLike[str],
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    dump_dir: Path | None = None,
    on_pass: Callable[[PassRecord], None] | None = None,
    check: bool = True,
) -> ir.Model:
    """A model file as canonical ONNX: opset 21 (25 with int2), static shapes, only operators that edgeq compiles.

    Args:
        path: An ONNX file; external data may lie in its own folder.
        shapes: Shape of each input whose dynamic dimensions are not just the batch (which becomes 1).
        dump_dir: Where to write the model after each pass.
        on_pass: Called after each pass.
        check: Whether operators that edgeq cannot compile are refused (`survey` wants to see them).

    Raises:
        ModelError: The file is broken or hostile.
        UnsupportedError: It holds something that edgeq cannot compile.
        UsageError: `shapes` does not fit the model.
    """
    with _blaming(path):
        model = import_model(Path(path), shapes=shapes or {})
        model, _ = run_passes(model, canonical_passes(), dump_dir=dump_dir, on_pass=on_pass)
        check_finite(model)
        if check:
            check_supported(model)
    return model


def import_model(path: Path, *, shapes: Mapping[str, tuple[int, ...]]) -> ir.Model:
    """The model checked, converted to the opset of canonical models and shape-inferred, not yet canonical."""
    proto = read_proto(path)
    check_structure(proto)
    load_external_data(proto, path)
    check_values(proto)
    bind_input_shapes(proto, shapes)
    opset, proto.ir_version = _canonical_versions(proto)
    model = ir.from_proto(_converted(proto, opset))
    _drop_own_metadata(model)
    common.NameFixPass()(model)
    return model


@contextmanager
def _blaming(path: object) -> Iterator[None]:
    """Names the file in errors that were raised where it was not known."""
    try:
        yield
    except EdgeqError as error:
        if error.file is not None:
            raise
        raise type(error)(error.what, file=path, node=error.node, tensor=error.tensor, fix=error.fix) from error


def _canonical_versions(proto: onnx.ModelProto) -> tuple[int, int]:
    """The opset that a model is converted to, and its IR version."""
    constants = (a.t for node in proto.graph.node if node.op_type == "Constant" for a in node.attribute)
    int2 = any(tensor.data_type in _INT2 for tensor in (*proto.graph.initializer, *constants))
    return (INT2_OPSET, INT2_IR_VERSION) if int2 else (limits.OPSET, limits.IR_VERSION)


def _converted(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    try:
        return run_worker(proto, opset=opset)
    except WorkerError as error:
        raise ModelError(f"not a valid ONNX model: {error}", fix="check it with onnx.checker") from error


def _drop_own_metadata(model: ir.Model) -> None:
    """A file's `edgeq.*` properties are not to be believed: only edgeq's own passes may say such things."""
    values = ir.convenience.create_value_mapping(model.graph).values()
    for owner in (model, model.graph, *model.graph, *values):
        for key in [key for key in owner.metadata_props if key.startswith("edgeq.")]:
            del owner.metadata_props[key]
