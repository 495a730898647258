"""manifest.json: what a package holds, for edgeq itself and for other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from edgeq.lower.lowered import Lowered
from edgeq.package.interface import Interface, PortView, arena_bytes, interface
from edgeq.package.schema import SchemaError, parse
from edgeq.package.source import PackageSource
from edgeq.program.rewrites.patches import Patches

MANIFEST = "manifest.json"
FORMAT = "edgeq-package-1"


@dataclass(frozen=True)
class PortEntry:
    """An input or output.

    Attributes:
        name: In the ONNX model.
        c_name: Its field in the C struct; of an FPGA its stream.
        dtype: int8, uint8 or int16.
        shape: At the interface.
        bytes: Of the buffer.
        scale, zero_point: real = scale * (integer - zero_point).
        arena_offset: Bytes from the start of the arena; None if the caller keeps it.
    """

    name: str
    c_name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    scale: float
    zero_point: int
    arena_offset: int | None


@dataclass(frozen=True)
class KernelEntry:
    """One kernel call, and where its result lies: in the arena, or in the caller's memory.

    Attributes:
        index: Position in the call sequence; what the profiling hook is told.
        symbol: C function.
        layer: Name of the ONNX node it came from.
        buffer: Name of the program buffer that it writes.
        arena_offset: Bytes from the start of the arena; None if the result is not there.
        port: C name of the output that it writes; None if the result is in the arena.
        bytes: Of the buffer.
    """

    index: int
    symbol: str
    layer: str
    buffer: str
    arena_offset: int | None
    port: str | None
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The content of manifest.json. A package for an FPGA has no kernels and no arena.

    Attributes:
        format: Version of this schema.
        name: Prefix of every symbol, macro and file name.
        edgeq: Version that made the package.
        target: Canonical name.
        float_abi: `hard`, `soft` or empty.
        emit: `lib` or `c`; of an FPGA its family, `hls` or `rtl`.
        io_layout: Asked for at the interface: `model`, `nchw` or `nhwc`.
        io: Where inputs and outputs lie: `arena` or `caller`.
        patches: What runs in patches; None where nothing does.
        model_sha256: Of the user's model file.
        arena_bytes, arena_align: Of the working memory.
        files: sha256 of each other file of the package, by path.
    """

    format: str
    name: str
    edgeq: str
    target: str
    float_abi: str
    emit: str
    io_layout: str
    io: str
    patches: Patches | None
    model_sha256: str
    arena_bytes: int
    arena_align: int
    inputs: tuple[PortEntry, ...]
    outputs: tuple[PortEntry, ...]
    kernels: tuple[KernelEntry, ...]
    files: dict[str, str]

    def with_files(self, files: Mapping[str, bytes]) -> Manifest:
        """The same, listing these files."""
        return replace(self, files={path: sha256(files[path]).hexdigest() for path in sorted(files)})


def describe(source: PackageSource) -> Manifest:
    """The manifest of a package, its files not yet listed."""
    program, plan = source.lowered.program, source.lowered.plan
    ports = interface(program, plan)
    return Manifest(
        format=FORMAT,
        name=source.name,
        edgeq=source.version,
        target=source.lowered.target.name,
        float_abi=source.float_abi,
        emit=source.emit,
        io_layout=source.io_layout,
        io=program.io,
        patches=source.patches,
        model_sha256=source.model_sha256,
        arena_bytes=arena_bytes(plan),
        arena_align=plan.alignment,
        inputs=tuple(_port(port) for port in ports.inputs),
        outputs=tuple(_port(port) for port in ports.outputs),
        kernels=_kernels(source.lowered, ports),
        files={},
    )


def dump_json(content: object) -> bytes:
    """JSON as every file of a package has it: indented, ASCII, finite numbers only, a final newline."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def dump_manifest(manifest: Manifest) -> bytes:
    """The bytes of manifest.json."""
    return dump_json(asdict(manifest))


def load_manifest(data: bytes) -> Manifest:
    """Reads manifest.json.

    Raises:
        SchemaError: It is not JSON, not of this format, or a field is missing or of another type.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SchemaError(f"not of the format {FORMAT!r}")
    return parse(Manifest, content)


def _port(port: PortView) -> PortEntry:
    model = port.port
    return PortEntry(
        model.name, port.c_name, port.dtype, model.shape, port.nbytes, model.scale, model.zero_point, port.offset
    )


def _kernels(lowered: Lowered, ports: Interface) -> tuple[KernelEntry, ...]:
    offsets, buffers = lowered.plan.offsets, lowered.program.buffer
    outputs = {port.port.buffer: port.c_name for port in ports.outputs if port.port.buffer not in offsets}
    return tuple(
        KernelEntry(
            index=i,
            symbol=call.symbol,
            layer=call.op.name,
            buffer=call.op.y,
            arena_offset=offsets.get(call.op.y),
            port=outputs.get(call.op.y),
            bytes=buffers[call.op.y].nbytes,
        )
        for i, call in enumerate(lowered.calls)
    )
