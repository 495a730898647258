"""Makes an FPGA package, complete in memory: equal sources give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.hls.folding import Design
from edgeq.hls.sources import sources
from edgeq.package.build import PROGRAM_TEXT, QDQ_MODEL, REPORT
from edgeq.package.manifest import FPGA_FORMAT, MANIFEST, dump_json
from edgeq.program.printer import print_program
from edgeq.version import __version__

if TYPE_CHECKING:
    from edgeq.targets.target import Target

ESTIMATE = "estimate.json"


@dataclass(frozen=True, eq=False)
class FpgaSource:
    """Everything that goes into one package.

    Attributes:
        golden_inputs, golden_outputs: What the interpreter was given and gave; by port name, (samples, *port.shape).
        qdq_model: The quantized ONNX model, serialized.
        report: Content of report.json; its `fpga` is estimate.json.
        model: The user's model file.
    """

    design: Design
    target: Target
    golden_inputs: Mapping[str, np.ndarray]
    golden_outputs: Mapping[str, np.ndarray]
    qdq_model: bytes
    report: Mapping[str, Any]
    model: Path


def fpga_package(source: FpgaSource) -> dict[str, bytes]:
    """Every file of the package, by its path relative to the package's folder."""
    program = source.design.flow.program
    texts = sources(source.design, source.target, __version__, source.golden_inputs, source.golden_outputs)
    files = {path: text.encode("ascii") for path, text in texts.items()}
    files[QDQ_MODEL] = source.qdq_model
    files[PROGRAM_TEXT] = print_program(program).encode()
    files[REPORT] = dump_json(source.report)
    files[ESTIMATE] = dump_json(source.report["fpga"])
    manifest = {
        "format": FPGA_FORMAT,
        "name": program.name,
        "edgeq": __version__,
        "target": source.target.name,
        "model_sha256": sha256(source.model.read_bytes()).hexdigest(),
        "files": {path: sha256(files[path]).hexdigest() for path in sorted(files)},
    }
    files[MANIFEST] = dump_json(manifest)
    return files
