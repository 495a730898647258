"""JSON from a file that may be broken or hostile, into frozen dataclasses."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_EXPECTED = {str: "a string", int: "an integer", float: "a number", tuple: "a list", dict: "an object"}


class SchemaError(ValueError):
    """The data does not have the expected form; the text says where and what was expected."""


def parse(cls: type[T], data: object, where: str = "top level") -> T:
    """An instance of the dataclass `cls` from decoded JSON.

    Fields may be str, int, float, dataclasses, `X | None`, `tuple[X, ...]` and `dict[str, X]`. Other keys are ignored.

    Raises:
        SchemaError: A key is missing or a value has another type.
    """
    if not isinstance(data, dict):
        raise SchemaError(f"{where}: expected an object")
    hints = get_type_hints(cls)
    values = {}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name not in data:
            raise SchemaError(f"{where}: {field.name!r} is missing")
        values[field.name] = _convert(hints[field.name], data[field.name], f"{where}: {field.name}")
    return cls(**values)


def _convert(hint: Any, value: object, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _convert(args[0], value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, Mapping):
        return {str(key): _convert(args[1], item, f"{where}[{key!r}]") for key, item in value.items()}
    if is_dataclass(hint):
        return parse(hint, value, where)  # type: ignore[arg-type]
    return _scalar(hint, value, where)


def _scalar(hint: Any, value: object, where: str) -> Any:
    """A str, int or float; JSON writes whole floats without a point, and `true` is not a number."""
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise SchemaError(f"{where}: expected {_EXPECTED[get_origin(hint) or hint]}, found {value!r:.60}")
    return value
