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
            fix = f"it must be {_expected(hints[field.name])}"
            raise UsageError(f"key '{prefix}{field.name}' is missing", file=path, fix=fix)
    return cls(**{key: _value(hints[key], value, path, prefix + key) for key, value in table.items()})


def _value(hint: Any, value: Any, path: Path, key: str) -> Any:
    """A TOML value as the type of its field: text, number, tuple or set of text, or a nested record."""
    hint = _required(hint)
    if is_dataclass(hint) and isinstance(value, dict):
        return _record(hint, value, path, prefix=f"{key}.")
    container = get_origin(hint)
    if container is not None and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return container(value)
    if type(value) is not hint:
        raise UsageError(f"key '{key}' must be {_expected(hint)}, not {value!r}", file=path)
    return value


def _required(hint: Any) -> Any:
    """The type of a field, less None."""
    return get_args(hint)[0] if isinstance(hint, UnionType) else hint


def _expected(hint: Any) -> str:
    """What the value of such a field must be."""
    hint = _required(hint)
    if is_dataclass(hint):
        return "a table"
    return {str: "a string", int: "an integer"}.get(hint, "a list of strings")
