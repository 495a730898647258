"""Gradient descent on all layers of a block at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.reconstruct.adam import Adam
from edgeq.reconstruct.block import Arrays, Block
from edgeq.reconstruct.variables import Variables


@dataclass(frozen=True, eq=False)
class Examples:
    """What goes into a block of the quantized network, and what should come out.

    Attributes:
        inputs: By name, (*shape, samples).
        target: Of the float network, (*shape, samples).
    """

    inputs: Arrays
    target: np.ndarray

    def of(self, samples: np.ndarray) -> Examples:
        """Some of the samples."""
        return Examples({name: x[..., samples] for name, x in self.inputs.items()}, self.target[..., samples])

    def loss(self, block: Block, parameters: Arrays) -> float:
        """Mean square error."""
        return float(np.square(block.run({**self.inputs, **parameters}) - self.target, dtype=np.float64).mean())

    def gradients(self, block: Block, parameters: Arrays) -> dict[str, np.ndarray]:
        """Of the mean square error, by inputs and parameters."""
        scale = np.float32(2 / self.target.size)
        return block.differentiate({**self.inputs, **parameters}, lambda y: (y - self.target) * scale)


@dataclass(frozen=True)
class Refinement:
    """How a block is refined: Adam, its steps falling to zero along a half cosine.

    Source: Li et al., "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction", ICLR 2021,
    section 3.2 (a block at a time).

    Attributes:
        epochs: Walks through the samples.
        batch: Samples per step.
        rate: Of scales and biases.
        integer_rate: Of integers before they are rounded.
    """

    epochs: int
    batch: int
    rate: float
    integer_rate: float

    def __call__(
        self, block: Block, variables: Variables, examples: Examples, held: np.ndarray, rng: np.random.Generator
    ) -> bool:
        """Changes the variables to the best that is met, judged by the held-out samples.

        Returns:
            False where nothing was better than the start, to which the variables are set back.
        """
        judge, fit = examples.of(np.flatnonzero(held)), np.flatnonzero(~held)
        start = least = judge.loss(block, variables.parameters())
        best = [array.copy() for array in variables.arrays]
        optimizer = Adam(variables.arrays, variables.rates(self.integer_rate, self.rate))
        for epoch in range(self.epochs):
            share = 0.5 + 0.5 * np.cos(np.pi * epoch / self.epochs)
            for rows in np.array_split(rng.permutation(fit), -(-len(fit) // self.batch)):
                by = examples.of(rows).gradients(block, variables.parameters())
                optimizer.step(variables.gradients(by), share)
                variables.confine()
            loss = judge.loss(block, variables.parameters())
            if loss < least:
                least, best = loss, [array.copy() for array in variables.arrays]
        for array, kept in zip(variables.arrays, best, strict=True):
            array[...] = kept
        return least < start
