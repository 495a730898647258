"""Passes of installed plug-ins, and their places in the recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from onnx_ir.passes import PassBase

from edgeq.calibrate.samples import Samples
from edgeq.errors import UsageError
from edgeq.passes.configure import Step
from edgeq.passes.scheme import Scheme

GROUP = "edgeq.passes"
"""Entry points NAME = MODULE:OBJECT, where the object is a `PassPlugin`."""


@dataclass(frozen=True)
class PassPlugin:
    """A pass of a plug-in. It is off until the user asks for it: `--pass NAME=on`.

    Attributes:
        after: Name of the pass that it follows, such as `insert_qdq`.
        make: The pass, given the calibration samples and what the model is quantized to.
    """

    after: str
    make: Callable[[Samples, Scheme], PassBase]


def with_plugins(steps: Sequence[Step], samples: Samples, scheme: Scheme) -> list[Step]:
    """The steps of a recipe with those of plug-ins among them.

    Raises:
        UsageError: A plug-in cannot be loaded, is none, or wants to follow a pass that does not exist.
    """
    known = list(steps)
    for point in sorted(entry_points(group=GROUP)):
        plugin = _load(point)
        names = [step.name for step in known]
        if plugin.after not in names:
            raise UsageError(f"the plug-in {point.name!r} wants to follow {plugin.after!r}: there is no such pass")
        known.insert(names.index(plugin.after) + 1, Step(plugin.make(samples, scheme), enabled=False))
    return known


def _load(point: EntryPoint) -> PassPlugin:
    try:
        plugin = point.load()
    except Exception as error:  # whatever someone else's module does while it loads
        raise UsageError(f"the plug-in {point.name!r} ({point.value}) cannot be loaded: {error}") from error
    if not isinstance(plugin, PassPlugin):
        raise UsageError(f"the plug-in {point.name!r} ({point.value}) is a {type(plugin).__name__}, not a PassPlugin")
    return plugin
