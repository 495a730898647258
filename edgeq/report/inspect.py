"""What `edgeq inspect` shows: a model before compilation, or the program of a package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def inspect_model(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Operators, shapes, cost and support of a model.

    Returns:
        `inputs` and `outputs` (name to shape), `nodes`, `macs`, `params`.

    Raises:
        EdgeqError: The file cannot be read as a model.
    """
    from edgeq.frontend import load_model
    from edgeq.frontend.survey import survey

    model = load_model(path, shapes=shapes, check=False)
    rows = [
        {
            "name": row.name,
            "op": row.op,
            "shape": row.shape,
            "macs": row.macs,
            "params": row.params,
            "unsupported": row.unsupported_reason,
        }
        for row in survey(model)
    ]
    return {
        "inputs": {str(value.name): list(value.shape or ()) for value in model.graph.inputs},
        "outputs": {str(value.name): list(value.shape or ()) for value in model.graph.outputs},
        "nodes": rows,
        "macs": sum(row["macs"] for row in rows),
        "params": sum(row["params"] for row in rows),
    }


def inspect_package(directory: Path) -> str:
    """The text of a package's integer program.

    Raises:
        EdgeqError: It is not a sound package.
    """
    from edgeq.package.build import PROGRAM_TEXT
    from edgeq.package.read import read_package

    return read_package(directory).read(PROGRAM_TEXT).decode()
