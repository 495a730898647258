"""Predicted time of kernel calls: sums of features, with coefficients that `tools/fit_cost_model` found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from edgeq.cost.features import features_of
from edgeq.cost.shape import KernelShape, kernel_shape

if TYPE_CHECKING:
    from edgeq.program.program import Program
    from edgeq.targets.target import Target

COSTS = files("edgeq.targets") / "costs"

Coefficients = Mapping[str, float]
"""What one unit of each feature costs."""


@dataclass(frozen=True)
class KernelClass:
    """Calls that share coefficients.

    Attributes:
        kernel: As in `KernelShape`.
        weight_bits: Of the weights.
        wide: Whether some activation has 16 bits.
    """

    kernel: str
    weight_bits: int
    wide: bool

    @classmethod
    def of(cls, shape: KernelShape) -> KernelClass:
        """The class of a call."""
        return cls(shape.kernel, shape.weight_bits, shape.activation_bits > 8)


@dataclass(frozen=True)
class Time:
    """Of one call or one inference.

    Attributes:
        instructions: Executed.
        cycles: None for cores without a table of times (docs/CYCLES.md).
    """

    instructions: float
    cycles: float | None

    def __add__(self, other: Time) -> Time:
        cycles = None if self.cycles is None or other.cycles is None else self.cycles + other.cycles
        return Time(self.instructions + other.instructions, cycles)


@dataclass(frozen=True)
class CostModel:
    """Of a target, read from `targets/costs/<target>.toml`.

    Attributes:
        error: Largest relative error of a whole network's instructions, that network left out of the fit.
        cycles_error: The same of cycles; None for cores without a table of times.
        instructions, cycles: Coefficients of each class of calls.
    """

    error: float
    cycles_error: float | None
    instructions: Mapping[KernelClass, Coefficients]
    cycles: Mapping[KernelClass, Coefficients]

    def time(self, shape: KernelShape) -> Time | None:
        """Predicted time of a call; None for kernels that were never measured.

        Weights of a width that was not measured take the time of those that were.
        """
        wanted = KernelClass.of(shape)
        near = (c for c in self.instructions if (c.kernel, c.wide) == (wanted.kernel, wanted.wide))
        found = wanted if wanted in self.instructions else next(near, None)
        if found is None:
            return None
        cycles = weighed(self.cycles[found], shape) if found in self.cycles else None
        return Time(weighed(self.instructions[found], shape), cycles)

    def program_time(self, program: Program, target: Target) -> Time | None:
        """Predicted time of one inference; None if the time of some kernel is not known.

        Raises:
            UnsupportedError: An operator has no kernel on the target.
        """
        total = Time(0.0, 0.0 if self.cycles else None)
        for op in program.ops:
            time = self.time(kernel_shape(op, program, target))
            if time is None:
                return None
            total += time
        return total


def weighed(coefficients: Coefficients, shape: KernelShape) -> float:
    """The sum of features of a call times coefficients."""
    features = features_of(shape.kernel)
    return sum(value * features[name](shape.loops) for name, value in coefficients.items())


@cache
def load_cost_model(target: str) -> CostModel | None:
    """The model of a target by its name, or None if its kernels were never measured."""
    path = COSTS / f"{target}.toml"
    if not path.is_file():
        return None
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    classes = {KernelClass(row["kernel"], row["weight_bits"], row["wide"]): row for row in table["class"]}
    return CostModel(
        table["error"],
        table.get("cycles_error"),
        {c: row["instructions"] for c, row in classes.items()},
        {c: row["cycles"] for c, row in classes.items() if "cycles" in row},
    )
