"""Runs passes over an ONNX model: verifies after each, times, dumps, records."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import PassBase

from edgeq.errors import EdgeqError, VerificationError


@dataclass(frozen=True)
class PassRecord:
    """What one pass did.

    Attributes:
        name: The pass's file name, as `fold_batchnorm`.
        seconds: Time of the pass alone, without verification.
        changed: Whether the model is different.
        nodes: Number of nodes afterwards.
    """

    name: str
    seconds: float
    changed: bool
    nodes: int


def run_passes(
    model: ir.Model,
    passes: Iterable[PassBase],
    *,
    dump_dir: Path | None = None,
    on_pass: Callable[[PassRecord], None] | None = None,
    first: int = 1,
) -> tuple[ir.Model, list[PassRecord]]:
    """Run passes in order; after each, the model is checked and its shapes are inferred anew.

    Args:
        dump_dir: Where `NN-passname.onnx` goes, made if missing.
        on_pass: Called with each record as soon as it is there.
        first: Number of the first dump.

    Raises:
        VerificationError: A pass failed, or left something that is not valid ONNX.
    """
    records: list[PassRecord] = []
    for number, pass_ in enumerate(passes, first):
        model, record = _run(model, pass_)
        if dump_dir is not None:
            dump(model, dump_dir / f"{number:02d}-{record.name}.onnx")
        records.append(record)
        if on_pass is not None:
            on_pass(record)
    return model, records


def pass_name(pass_: PassBase) -> str:
    """`FoldBatchnorm()` is called `fold_batchnorm`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(pass_).__name__).lower()


def dump(model: ir.Model, path: Path) -> None:
    """Write the model with its `edgeq.*` annotations as metadata_props; the model itself stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = model.clone()
    for owner in (*shown.graph, *ir.convenience.create_value_mapping(shown.graph).values()):
        for key, value in owner.meta.items():
            if key.startswith("edgeq."):
                owner.metadata_props[key] = json.dumps(value, default=_plain)
    ir.save(shown, path)


def _run(model: ir.Model, pass_: PassBase) -> tuple[ir.Model, PassRecord]:
    name = pass_name(pass_)
    start = time.perf_counter()
    try:
        result = pass_(model)
    except EdgeqError:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        raise VerificationError(f"pass {name} failed: {type(cause).__name__}: {cause}", fix="report this") from error
    seconds = time.perf_counter() - start
    if result.modified:
        _verify(result.model, name)
    return result.model, PassRecord(name, seconds, result.modified, len(result.model.graph))


def _verify(model: ir.Model, name: str) -> None:
    proto = ir.to_proto(model)
    try:
        onnx.checker.check_model(proto)
        inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # these raise several unrelated classes
        raise VerificationError(f"pass {name} left an invalid model: {error}", fix="report this") from error
    values = ir.convenience.create_value_mapping(model.graph)
    for info in (*inferred.graph.value_info, *inferred.graph.output):
        found = ir.from_proto(info)
        values[info.name].shape, values[info.name].type = found.shape, found.type


def _plain(value: object) -> object:
    """For JSON: what annotations are made of."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)
