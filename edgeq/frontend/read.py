"""Reads a model file: bytes to a protobuf message, external data only from the model's own folder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError

from edgeq.errors import ModelError
from edgeq.frontend.limits import MAX_FILE_BYTES


def read_proto(path: Path) -> onnx.ModelProto:
    """Parse the file; external data stays unread.

    Raises:
        ModelError: The file is missing, too large, or holds no ONNX graph.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"the file has {size} bytes, more than protobuf allows", file=path)
        model = onnx.ModelProto.FromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read the model: {error.strerror}", file=path, fix="check the path") from error
    except DecodeError as error:
        raise ModelError(
            "not an ONNX file, or a truncated one", file=path, fix="export or download the model again"
        ) from error
    if not model.HasField("graph") or not model.graph.node:
        raise ModelError("the file holds no ONNX graph", file=path, fix="export or download the model again")
    return model


def tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every dense tensor stored in the graph, with a name to show: initializers and node attributes."""
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        for attribute in node.attribute:
            for tensor in (attribute.t, *attribute.tensors):
                if tensor.data_type:
                    yield f"{node.name}.{attribute.name}", tensor


def load_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Bring external tensors into the message; `path` is the model file.

    Tensors must have passed `check.check_structure`, which bounds their size.

    Raises:
        ModelError: The data lie outside the model's folder, or are not there, or are too short.
    """
    for name, tensor in tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            tensor.raw_data = _read_external(entries, _stored_bytes(tensor), name, path)
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]


def _stored_bytes(tensor: onnx.TensorProto) -> int:
    return (math.prod(tensor.dims) * ir.DataType(tensor.data_type).bitwidth + 7) // 8


def _read_external(entries: dict[str, str], nbytes: int, name: str, path: Path) -> bytes:
    location = entries.get("location", "")
    source = _inside(path.parent, location)
    if source is None:
        raise ModelError(
            f"external data {location!r} lie outside the model's folder",
            file=path,
            tensor=name,
            fix="keep the data file beside the model and name it by a relative path without '..'",
        )
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", nbytes))
        with source.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(nbytes)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read external data {location!r}: {error}", file=path, tensor=name) from error
    if length != nbytes or len(data) != nbytes:
        raise ModelError(
            f"external data {location!r} do not have the {nbytes} bytes that the tensor needs", file=path, tensor=name
        )
    return data


def _inside(folder: Path, location: str) -> Path | None:
    """The regular file `location` within `folder`, symbolic links followed; None where it escapes."""
    relative = Path(location)
    if not location or "\0" in location or relative.is_absolute() or ".." in relative.parts:
        return None
    resolved = (folder / relative).resolve()
    inside = resolved.is_relative_to(folder.resolve())
    return resolved if inside and (resolved.is_file() or not resolved.exists()) else None
