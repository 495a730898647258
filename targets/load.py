"""Reads targets from `boards/*.toml`, plug-ins' too; a wrong file is reported by file, key and expected values."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from edgeq.errors import UsageError
from edgeq.targets.families import board_folders, family_package, plugin_families
from edgeq.targets.target import FEATURES, Target


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
        UsageError: The file is no TOML, or a key is missing, unknown or has a value that it cannot have.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this board file is not valid TOML: {error}", file=path) from error
    if "name" in table:
        raise UsageError("unknown key 'name'", file=path, fix="remove it: a target is named by its file")
    target = _record(Target, {"name": path.stem, **table}, path, prefix="")
    _check_family(target, path)
    return target


def _check_family(target: Target, path: Path) -> None:
    """Whether there are such kernels, and whether one of them could ask about each feature."""
    try:
        family_package(target.family)
    except UsageError as error:
        raise UsageError(f"key 'family': {error.what}", file=path) from error
    unknown = sorted(target.features - FEATURES)
    if unknown and target.family not in plugin_families():
        known = ", ".join(sorted(FEATURES))
        raise UsageError(f"key 'features': there is no feature {unknown[0]!r}; known are {known}", file=path)


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
    if not _fits(hint, value):
        raise UsageError(f"key '{key}' must be {_expected(hint)}, not {value!r}", file=path)
    container = get_origin(hint)
    return container(value) if container is not None and isinstance(value, list) else value


def _fits(hint: Any, value: Any) -> bool:
    """Whether a value that is no table has the type of its field."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is not None:
        return isinstance(value, list) and all(_fits(get_args(hint)[0], item) for item in value)
    return type(value) is hint


def _required(hint: Any) -> Any:
    """The type of a field, less None."""
    return get_args(hint)[0] if isinstance(hint, UnionType) else hint


def _expected(hint: Any) -> str:
    """What the value of such a field must be."""
    hint = _required(hint)
    if is_dataclass(hint):
        return "a table"
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    if get_origin(hint) is not None:
        (item, *_) = get_args(hint)
        return "a list of strings" if item is str else f"a list, each {_expected(item)}"
    return {str: "a string", int: "an integer"}[hint]
