"""Switches and sets the passes of a recipe by name, as the command line and edgeq.toml ask."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnx_ir.passes import PassBase

from edgeq.errors import UsageError
from edgeq.pipeline import pass_name

Settings = Mapping[str, bool | Mapping[str, Any]]
"""By pass name: False or True to switch it, or its options by name (which switch it on)."""

WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@dataclass(frozen=True)
class Step:
    """A pass at its place in a recipe, and whether the preset runs it."""

    pass_: PassBase
    enabled: bool = True

    @property
    def name(self) -> str:
        """Name of the pass, as in reports."""
        return pass_name(self.pass_)


def configure(steps: Sequence[Step], settings: Settings) -> list[PassBase]:
    """The passes to run, in order.

    Raises:
        UsageError: There is no such pass or option, or the value is of another kind.
    """
    for name in settings:
        _require_known("pass", name, [step.name for step in steps])
    chosen = ((step, settings.get(step.name, step.enabled)) for step in steps)
    return [_with_options(step, {} if asked is True else asked) for step, asked in chosen if asked is not False]


def options_of(pass_: PassBase) -> dict[str, Any]:
    """The options of a pass that users may set, with their present values: numbers, words and switches."""
    if not dataclasses.is_dataclass(pass_):
        return {}
    values = {field.name: getattr(pass_, field.name) for field in dataclasses.fields(pass_)}
    return {name: value for name, value in values.items() if isinstance(value, bool | int | float | str)}


def _with_options(step: Step, options: Mapping[str, Any]) -> PassBase:
    known = options_of(step.pass_)
    for name in options:
        _require_known(f"option of pass {step.name!r}", name, list(known))
    values = {name: _converted(step, name, raw, known[name]) for name, raw in options.items()}
    try:
        return dataclasses.replace(step.pass_, **values) if values else step.pass_  # type: ignore[type-var]
    except ValueError as error:
        raise UsageError(f"pass {step.name!r}: {error}") from error


def _converted(step: Step, name: str, raw: Any, present: Any) -> Any:
    """`raw` as the kind of value that the option has."""
    kind = type(present)
    try:
        if kind is bool:
            return WORDS[str(raw).lower()]
        if isinstance(raw, bool) or (kind is str and not isinstance(raw, str)):
            raise TypeError
        return kind(raw)
    except (KeyError, TypeError, ValueError) as error:
        expected = {bool: "on or off", int: "a whole number", float: "a number", str: "a word"}[kind]
        raise UsageError(f"option {name!r} of pass {step.name!r} must be {expected}, not {raw!r}") from error


def _require_known(what: str, name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        fix = f"perhaps {near[0]!r} is meant; there are: {', '.join(known)}" if near else "it has no options"
        raise UsageError(f"there is no {what} {name!r}", fix=fix)
