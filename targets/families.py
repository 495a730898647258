"""Where a family of kernels and its boards lie: in this package, or in an installed plug-in."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from edgeq.errors import UsageError

GROUP = "edgeq.targets"
"""Entry points NAME = PACKAGE: the package has the kernels of family NAME (module `rules`) and, maybe, `boards/`."""

HERE = Path(__file__).parent


def family_package(family: str) -> str:
    """The package whose module `rules` lists the kernels of a family.

    Raises:
        UsageError: Neither edgeq nor a plug-in has this family.
    """
    if family in plugin_families():
        return plugin_families()[family].value
    if (HERE / family / "rules.py").is_file():
        return f"edgeq.targets.{family}"
    known = sorted({path.parent.name for path in HERE.glob("*/rules.py")} | plugin_families().keys())
    raise UsageError(f"there is no kernel family {family!r}; known are {', '.join(known)}")


def board_folders() -> list[Path]:
    """The folders of board files: edgeq's own first, then those of plug-ins, by name.

    Raises:
        UsageError: The package that a plug-in names is not there.
    """
    return [HERE / "boards", *(_folder(point) / "boards" for _, point in sorted(plugin_families().items()))]


@cache
def plugin_families() -> dict[str, EntryPoint]:
    """What is installed, by family."""
    return {point.name: point for point in entry_points(group=GROUP)}


def _folder(point: EntryPoint) -> Path:
    """Of a plug-in's package, which is not imported for it."""
    try:
        spec = find_spec(point.value)
    except ImportError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"the plug-in {point.name!r} names the package {point.value!r}, which cannot be imported")
    return Path(spec.submodule_search_locations[0])
