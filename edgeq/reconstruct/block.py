"""A piece of a network that can be differentiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.vjp import Result, Vjp

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Operation:
    """One operator.

    Attributes:
        inputs: Names of its operands: activations and parameters alike.
        output: Name of its result.
        apply: The operator, see `vjp`.
    """

    inputs: tuple[str, ...]
    output: str
    apply: Callable[..., Result]


@dataclass(frozen=True)
class Block:
    """Operations in order of execution; the last one makes the output."""

    operations: Sequence[Operation]

    @property
    def output(self) -> str:
        """The name of the result."""
        return self.operations[-1].output

    def values(self, values: Arrays) -> dict[str, np.ndarray]:
        """All values by name, for some inputs and parameters."""
        known = dict(values)
        for operation in self.operations:
            known[operation.output], _ = operation.apply(*(known[name] for name in operation.inputs))
        return known

    def run(self, values: Arrays) -> np.ndarray:
        """The output for some inputs and parameters."""
        return self.values(values)[self.output]

    def differentiate(self, values: Arrays, slope: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        """Gradients of a loss of the output by all inputs and parameters.

        Args:
            values: Inputs and parameters by name.
            slope: From the output to the gradient of the loss by it.
        """
        return self.gradients(values, lambda known: {self.output: slope(known[self.output])})

    def gradients(
        self,
        values: Arrays,
        slopes: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]],
        keep: Set[str] = frozenset(),
    ) -> dict[str, np.ndarray]:
        """Gradients of a loss of any values by all inputs and parameters, by reverse accumulation.

        Args:
            values: Inputs and parameters by name.
            slopes: From all values by name to the gradients of the loss by those that it is directly made of.
            keep: Results of operations whose gradients are wanted, too.
        """
        known, vjps = dict(values), list[Vjp]()
        for operation in self.operations:
            known[operation.output], vjp = operation.apply(*(known[name] for name in operation.inputs))
            vjps.append(vjp)
        gradients = slopes(known)
        for operation, vjp in zip(reversed(self.operations), reversed(vjps), strict=True):
            if operation.output in gradients:
                own = gradients[operation.output] if operation.output in keep else gradients.pop(operation.output)
                for name, gradient in zip(operation.inputs, vjp(own), strict=True):
                    gradients[name] = gradients[name] + gradient if name in gradients else gradient
        return gradients
