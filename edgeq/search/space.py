"""What a search chooses among: knobs of quantization, and one choice for each of them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeq.errors import UsageError

Value = str | int | bool


@dataclass(frozen=True)
class Knob:
    """One thing to choose.

    Attributes:
        option: What is chosen: `weight_bits`, `scheme`, ...
        values: What it can be; the first is the default.
        layer: The node whose width is chosen; empty for what concerns the whole model.
    """

    option: str
    values: tuple[Value, ...]
    layer: str = ""

    @property
    def name(self) -> str:
        """Unique in a space: `scheme`, or `weight_bits:LAYER`."""
        return f"{self.option}:{self.layer}" if self.layer else self.option


@dataclass(frozen=True)
class Allocation:
    """One value for each knob of a space, in its order. Equal choices are equal and hash alike."""

    choices: tuple[tuple[str, Value], ...]

    @cached_property
    def _by_name(self) -> dict[str, Value]:
        return dict(self.choices)

    def __getitem__(self, name: str) -> Value:
        return self._by_name[name]

    def get(self, name: str, default: Value) -> Value:
        """The value of a knob; `default` where the space has no such knob."""
        return self._by_name.get(name, default)

    def layers(self, option: str) -> dict[str, Value]:
        """What is chosen for single layers, by layer: `layers("weight_bits")`."""
        prefix = f"{option}:"
        return {name.removeprefix(prefix): value for name, value in self.choices if name.startswith(prefix)}

    def replace(self, changes: Mapping[str, Value]) -> Allocation:
        """The same with some knobs at other values."""
        return Allocation(tuple((name, changes.get(name, value)) for name, value in self.choices))

    def to_json(self) -> str:
        """Canonical text: equal allocations give equal text."""
        return json.dumps(self.choices, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Allocation:
        """What `to_json` wrote."""
        return cls(tuple((name, value) for name, value in json.loads(text)))


@dataclass(frozen=True)
class Space:
    """The product of the values of its knobs."""

    knobs: tuple[Knob, ...]

    @property
    def size(self) -> int:
        """Number of allocations."""
        return math.prod(len(knob.values) for knob in self.knobs)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the knobs, in order."""
        return tuple(knob.name for knob in self.knobs)

    def default(self) -> Allocation:
        """The first value of each knob."""
        return self.decode([0] * len(self.knobs))

    def encode(self, allocation: Allocation) -> np.ndarray:
        """Index of the chosen value of each knob: int64, (knobs,).

        Raises:
            UsageError: The allocation is none of this space.
        """
        if tuple(name for name, _ in allocation.choices) != self.names:
            raise UsageError("an allocation of another search space: its knobs are others", fix="start a new study")
        try:
            found = [knob.values.index(value) for knob, (_, value) in zip(self.knobs, allocation.choices, strict=True)]
        except ValueError as error:
            fix = "start a new study"
            raise UsageError("an allocation of another search space: its values are others", fix=fix) from error
        return np.array(found, np.int64)

    def decode(self, indices: Sequence[int] | np.ndarray) -> Allocation:
        """The allocation that `encode` makes these indices of."""
        return Allocation(tuple((knob.name, knob.values[int(i)]) for knob, i in zip(self.knobs, indices, strict=True)))

    def sample(self, rng: np.random.Generator) -> Allocation:
        """One of all allocations, each as likely."""
        return self.decode([int(rng.integers(len(knob.values))) for knob in self.knobs])

    def neighbours(self, allocation: Allocation) -> Iterator[Allocation]:
        """All that differ in one knob."""
        for knob in self.knobs:
            for value in knob.values:
                if value != allocation[knob.name]:
                    yield allocation.replace({knob.name: value})

    def __iter__(self) -> Iterator[Allocation]:
        """All allocations, the default first; the last knob changes fastest."""
        ranges = (range(len(knob.values)) for knob in self.knobs)
        return map(self.decode, itertools.product(*ranges))
