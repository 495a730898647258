"""Makes an FPGA package, complete in memory: equal sources give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.fpga.backend import load_backend
from edgeq.fpga.dataflow import Stream
from edgeq.fpga.folding import Design
from edgeq.package.build import PAGE, PROGRAM_TEXT, QDQ_MODEL, REPORT
from edgeq.package.manifest import FORMAT, MANIFEST, Manifest, PortEntry, dump_json, dump_manifest
from edgeq.package.page import report_page
from edgeq.program.printer import print_program
from edgeq.program.program import Port
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
        io_layout: Asked for at the interface.
    """

    design: Design
    target: Target
    golden_inputs: Mapping[str, np.ndarray]
    golden_outputs: Mapping[str, np.ndarray]
    qdq_model: bytes
    report: Mapping[str, Any]
    model: Path
    io_layout: str


def fpga_package(source: FpgaSource) -> dict[str, bytes]:
    """Every file of the package, by its path relative to the package's folder."""
    design, target = source.design, source.target
    make = load_backend(target).sources
    texts = make(design, target, __version__, source.golden_inputs, source.golden_outputs)
    files = {path: text.encode("ascii") for path, text in texts.items()}
    files[QDQ_MODEL] = source.qdq_model
    files[PROGRAM_TEXT] = print_program(design.flow.program).encode()
    files[REPORT] = dump_json(source.report)
    files[PAGE] = report_page(source.report).encode()
    files[ESTIMATE] = dump_json(source.report["fpga"])
    files[MANIFEST] = dump_manifest(_manifest(source).with_files(files))
    return files


def _manifest(source: FpgaSource) -> Manifest:
    flow = source.design.flow
    program = flow.program
    return Manifest(
        format=FORMAT,
        name=program.name,
        edgeq=__version__,
        target=source.target.name,
        float_abi="",
        emit=source.target.family,
        io_layout=source.io_layout,
        io=program.io,
        patches=None,
        model_sha256=sha256(source.model.read_bytes()).hexdigest(),
        arena_bytes=0,
        arena_align=1,
        inputs=tuple(map(_port, flow.inputs, program.inputs)),
        outputs=tuple(map(_port, flow.outputs, program.outputs)),
        kernels=(),
        files={},
    )


def _port(stream: Stream, port: Port) -> PortEntry:
    buffer = stream.buffer
    dtype = "uint8" if port.unsigned else buffer.dtype
    return PortEntry(port.name, stream.symbol, dtype, port.shape, buffer.nbytes, port.scale, port.zero_point, None)
