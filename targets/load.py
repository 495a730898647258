"""Reads targets from `boards/*.toml`, plug-ins' too; a wrong file is reported by file, key and expected type."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from edgeq.errors import UsageError
from edgeq.targets.families import board_folders
from edgeq.targets.target import Target


def load_target(name: str) -> Target:
    """The target called `name`, which may be an alias.

    Raises:
        UsageError: No target has this name; the message has the nearest one and the list of all.
    """
    targets = {known: target for target in all_targets() for known in (target.name, *target.aliases)}
    if name in targets:
        return targets[name]
    nearest = difflib.get_close_matches(name, targets, n=1, cutoff=0.0)[0]
    raise UsageError(f"there is no target {name!r}; known are {', '.join(sorted(targets))}", fix=f"--target {nearest}")


@cache
def all_targets() -> tuple[Target, ...]:
    """Every target, by name.

    Raises:
        UsageError: A board file is wrong, or two targets have one name.
    """
    files: dict[str, Path] = {}
    targets = []
    for path in (path for folder in board_folders() for path in sorted(folder.glob("*.toml"))):
        target = read_target(path)
        for name in (target.name, *target.aliases):
            if name in files:
                raise UsageError(f"the target name {name!r} is already that of {files[name]}", file=path)
            files[name] = path
        targets.append(target)
    return tuple(sorted(targets, key=lambda target: target.name))


def read_target(path: Path) -> Target:
    """The target that a board file describes; its name is the file's.

    Raises:
        UsageError: The file is no TOML, or a key is missing, unknown or of the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this board file is not valid TOML: {error}", file=path) from error
    if "name" in table:
        raise UsageError("unknown key 'name'", file=path, fix="remove it: a target is named by its file")
    return _record(Target, {"name": path.stem, **table}, path, prefix="")


def _record(cls: Any, table: dict[str, Any], path: Path, prefix: str) -> Any:
    """A dataclass from a TOML table; each key is checked against the type of its field."""
    hints = get_type_hints(cls)
    for key in table.keys() - hints.keys():
        near = difflib.get_close_matches(key, hints, n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown key '{prefix}{key}'", file=path, fix=f"perhaps '{prefix}{near}' is meant")
    for field in fields(cls):
        if field.default is MISSING and field.name not in table:
            raise UsageError(f"key '{prefix}{field.name}' is missing", file=path)
    return cls(**{key: _value(hints[key], value, path, prefix + key) for key, value in table.items()})


def _value(hint: Any, value: Any, path: Path, key: str) -> Any:
    """A TOML value as the type of its field: text, number, tuple or set of text, or a nested record."""
    if isinstance(hint, UnionType):
        hint = get_args(hint)[0]
    if is_dataclass(hint):
        if isinstance(value, dict):
            return _record(hint, value, path, prefix=f"{key}.")
        raise UsageError(f"key '{key}' must be a table, not {value!r}", file=path)
    container = get_origin(hint)
    if container is not None:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return container(value)
        raise UsageError(f"key '{key}' must be a list of strings, not {value!r}", file=path)
    if type(value) is not hint:
        expected = {str: "a string", int: "an integer"}[hint]
        raise UsageError(f"key '{key}' must be {expected}, not {value!r}", file=path)
    return value
