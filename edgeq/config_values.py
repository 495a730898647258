"""Kinds of option values: what each is called in an error, and how text, TOML or Python becomes it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_UNITS = {"": 1, "K": 1024, "M": 1024**2}


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        expected: What a value must be, to complete "must be ...".
        read: The value from text of the command line, from TOML or from Python.
            Raises ValueError or TypeError where it is something else.
        choices: All values, if they are few.
    """

    expected: str
    read: Callable[[Any], Any]
    choices: tuple[str, ...] = ()


def choice(*values: str) -> Kind:
    """One of a few words."""
    return Kind("one of " + ", ".join(values), lambda value: values[values.index(value)], choices=values)


def width(*values: int) -> Kind:
    """One of a few numbers of bits."""

    def read(value: Any) -> int:
        return values[values.index(_whole(value))]

    return Kind("one of " + ", ".join(map(str, values)), read)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise TypeError
    return Path(value)


def _data(value: Any) -> Path | dict[str, Any]:
    """A path, or arrays by name; recognized without importing NumPy."""
    if not isinstance(value, Mapping):
        return _path(value)
    if not all(hasattr(array, "__array__") for array in value.values()):
        raise TypeError
    return dict(value)


def _whole(value: Any) -> int:
    if isinstance(value, str):
        value = int(value)
    if type(value) is not int or value < 0:
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    if not math.isfinite(value := float(value)):
        raise ValueError
    return value


def _positive(value: Any) -> float:
    if (number := _number(value)) <= 0:
        raise ValueError
    return number


def _share(value: Any) -> float:
    """0.005, or 0.5%."""
    if isinstance(value, str) and value.rstrip().endswith("%"):
        return _number(value.rstrip()[:-1]) / 100
    return _number(value)


def _size(value: Any) -> int:
    if not isinstance(value, str):
        return _whole(value)
    found = re.fullmatch(r"([0-9]+)([KM]?)", value.strip().upper())
    if found is None:
        raise ValueError
    return int(found[1]) * _UNITS[found[2]]


def _interval(value: Any) -> tuple[float, float]:
    low, high = map(_number, value.split(",") if isinstance(value, str) else value)
    if low >= high:
        raise ValueError
    return low, high


def _shape(value: Any) -> tuple[int, ...]:
    shape = tuple(map(_whole, value.split(",") if isinstance(value, str) else value))
    if 0 in shape:
        raise ValueError
    return shape


def _named_shape(value: str) -> tuple[str, tuple[int, ...]]:
    name, _, shape = value.rpartition("=")
    return _text(name), _shape(shape)


def _shapes(value: Any) -> dict[str, tuple[int, ...]]:
    return {_text(name): _shape(shape) for name, shape in dict(value).items()}


def _pass_setting(value: str) -> dict[str, Any]:
    """`NAME=on`, `NAME=off` or `NAME.OPTION=VALUE`."""
    place, equals, given = value.partition("=")
    name, dot, option = place.partition(".")
    if not (name and equals and given and bool(dot) == bool(option)):
        raise ValueError
    if dot:
        return {name: {option: given}}
    return {name: ("off", "on").index(given) == 1}


def _passes(value: Any) -> dict[str, Any]:
    """A table by pass name; or settings one by one, the later ones winning."""
    if isinstance(value, Mapping):
        if not all(isinstance(setting, bool | Mapping) for setting in value.values()):
            raise TypeError
        return dict(value)
    merged: dict[str, Any] = {}
    for setting in value:
        for name, new in setting.items():
            old = merged.get(name)
            merged[name] = {**old, **new} if isinstance(old, Mapping) and isinstance(new, Mapping) else new
    return merged


WEIGHT_BITS = width(8, 4, 2)
ACTIVATION_BITS = width(8, 16, 4)
WIDTHS = {"weight_bits": WEIGHT_BITS, "activation_bits": ACTIVATION_BITS}


def _layers(value: Any) -> dict[str, dict[str, int]]:
    return {_text(name): dict(map(_layer_width, dict(row).items())) for name, row in dict(value).items()}


def _layer_width(item: tuple[str, Any]) -> tuple[str, int]:
    option = item[0].replace("-", "_")
    if option not in WIDTHS:
        raise ValueError
    return option, WIDTHS[option].read(item[1])


TEXT = Kind("text", _text)
PATH = Kind("a path", _path)
DATA = Kind("a path (in Python also arrays by input name)", _data)
WHOLE = Kind("a whole number, 0 or more", _whole)
NUMBER = Kind("a number", _number)
POSITIVE = Kind("a number greater than 0", _positive)
SHARE = Kind("a share, such as 0.005 or 0.5%", _share)
SIZE = Kind("a number of bytes, such as 1024, 256K or 1M", _size)
INTERVAL = Kind("two numbers, the lower first, such as 0,255", _interval)
NAMED_SHAPE = Kind("an input's name and shape, such as image=1,3,96,96", _named_shape)
PASS_SETTING = Kind("NAME=on, NAME=off or NAME.OPTION=VALUE", _pass_setting)
PASSES = Kind("a table by pass name of true, false or a table of options", _passes)
LAYERS = Kind("a table by layer name of tables with weight-bits (8, 4, 2) or activation-bits (8, 16, 4)", _layers)
SHAPES = Kind("a table of shapes by input name, such as image = [1, 3, 96, 96]", _shapes)
