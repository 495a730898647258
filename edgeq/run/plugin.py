"""The QEMU plugin that counts executed instructions: built with the host's compiler on first use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from edgeq.cycles.core import Core
from edgeq.errors import FirmwareError
from edgeq.run.toolchain import find_tool
from edgeq.targets.target import Memory

SOURCES = files("edgeq.run") / "plugin"
_FLAGS = ("-O2", "-std=gnu11", "-shared", "-fPIC")


@dataclass(frozen=True)
class Counting:
    """What the plugin is to count.

    Attributes:
        core: Whose caches are simulated; None for none.
        flash: Where code and constants lie.
        mark: Address of the function that begins a new section.
        out: File for the sections.
    """

    core: Core | None
    flash: Memory
    mark: int
    out: Path

    def arguments(self) -> str:
        """The value of QEMU's option `-plugin`.

        Raises:
            ToolMissingError: There is no compiler for this computer.
            FirmwareError: The plugin cannot be built.
        """
        values: dict[str, object] = {"out": self.out, "flash": self.flash.origin, "bytes": self.flash.length}
        values["mark"] = self.mark
        if self.core is not None and self.core.flash is not None:
            values |= {"unit": self.core.flash.unit_bytes}
            values |= {"code": self.core.flash.code_units, "data": self.core.flash.data_units}
        return ",".join([str(plugin_library()), *(f"{key}={value}" for key, value in values.items())])


def cache_folder() -> Path:
    """Where edgeq keeps what it can make again: `$XDG_CACHE_HOME/edgeq`, by default `~/.cache/edgeq`."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "edgeq"


def plugin_library() -> Path:
    """The compiled plugin, named by a hash of its sources: built once, then found again.

    Raises:
        ToolMissingError: There is no compiler for this computer.
        FirmwareError: It cannot be built.
    """
    compiler = find_tool("gcc")
    content = b"".join((SOURCES / name).read_bytes() for name in ("profile.c", "qemu_plugin.h"))
    digest = hashlib.sha256(content + " ".join(_FLAGS).encode()).hexdigest()[:16]
    library = cache_folder() / f"qemu-profile-{digest}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        _build(compiler, library)
    return library


def _build(compiler: Path, library: Path) -> None:
    """Compiles next to `library` and renames: two processes may do this at the same time."""
    with as_file(SOURCES) as sources, tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        command = [str(compiler), *_FLAGS, "-o", str(made), str(sources / "profile.c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FirmwareError(f"gcc cannot build the profiler for QEMU:\n{done.stderr.strip()}", file=library)
        made.replace(library)
