"""The vendor's own `ap_int.h`, which is free and comes with the Python package hls4ml."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

OWN_LICENCE = ("ap_shift_reg.h",)
"""Headers that are not free are never copied: this one, and hls_stream.h."""


def vendor_types(folder: Path) -> Path | None:
    """A copy below a folder, for `make csim AP_TYPES=...`; None where hls4ml is not installed."""
    spec = find_spec("hls4ml")
    if spec is None or spec.origin is None:
        return None
    types = Path(spec.origin).parent / "templates/vivado/ap_types"
    copy = folder / "ap_types"
    copy.mkdir()
    for header in types.glob("ap_*.h"):
        if header.name not in OWN_LICENCE:
            shutil.copy(header, copy)
    shutil.copytree(types / "etc", copy / "etc")
    return copy
