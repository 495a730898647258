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

    def losses(self, block: Block, parameters: Arrays) -> np.ndarray:
        """Mean square error of each sample, (samples,)."""
        error = block.run({**self.inputs, **parameters}) - self.target
        return np.square(error, dtype=np.float64).reshape(-1, error.shape[-1]).mean(axis=0)

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
            False where the best is not surely better than the start (`sure_gain`), to which the variables are set back.
        """
        judge, fit = examples.of(np.flatnonzero(held)), np.flatnonzero(~held)
        start = least = judge.losses(block, variables.parameters())
        first = best = [array.copy() for array in variables.arrays]
        optimizer = Adam(variables.arrays, variables.rates(self.integer_rate, self.rate))
        for epoch in range(self.epochs):
            share = 0.5 + 0.5 * np.cos(np.pi * epoch / self.epochs)
            for rows in np.array_split(rng.permutation(fit), -(-len(fit) // self.batch)):
                by = examples.of(rows).gradients(block, variables.parameters())
                optimizer.step(variables.gradients(by), share)
                variables.confine()
            losses = judge.losses(block, variables.parameters())
            if losses.mean() < least.mean():
                least, best = losses, [array.copy() for array in variables.arrays]
        improved = sure_gain(start - least)
        for array, kept in zip(variables.arrays, best if improved else first, strict=True):
            array[...] = kept
        return improved


def sure_gain(gains: np.ndarray) -> bool:
    """Whether the mean of some samples' gains is above its standard error: a lower loss alone may be chance.

    Source: the one-standard-error rule of Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3,
    on differences by sample.
    """
    return bool(len(gains) > 1 and gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains)))
