"""Calibration samples without data: inputs that give a network the statistics of its batch normalizations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.noise import Noise, best_noise
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of
from edgeq.passes.batch_statistics import StatisticsNetwork, statistics_network
from edgeq.reconstruct.adam import Adam
from edgeq.reconstruct.block import Block
from edgeq.reconstruct.generator import Source, generator
from edgeq.reconstruct.swing import swing

BATCH = 16
"""Samples whose statistics are matched together."""

FEW = 8
"""Samples by which first guesses are compared."""

STEPS = 300
RATE = 0.1
"""Of a step, in standard deviations of the first guess; it falls to zero on a cosine."""


def distilled_samples(
    model: ir.Model, count: int, seed: int, progress: Callable[[int, int], None], *, genie: bool = False
) -> Samples:
    """Samples on which every normalized channel has nearly the mean and deviation that it had in training.

    So that the samples also drive what follows the last normalization as far as real ones do, each is to be of a
    class of its own: the cross-entropy of the scores is part of the loss where the network ends in some.

    Gradient descent on the input, from the normal noise that fits best: white or as smooth as photographs, as even or
    as uneven in loudness as recordings, of any mean and deviation. The loss sums mean(z)^2 + (deviation(z) - 1)^2 over
    the normalized values z of all channels.

    With `genie`, a generator makes the samples, and they are shifted at random in front of strided convolutions. On
    dscnn and resnet8 this leaves more noise at the outputs, as shifts keep the statistics from being met
    (benchmarks/synthetic.csv; of the first batch on dscnn the loss falls to 0.13 from noise, to 0.56 with shifts).

    Sources: Cai et al., "ZeroQ: A Novel Zero Shot Quantization Framework", CVPR 2020, section 3.1, equation 3; Yin et
    al., "Dreaming to Distill: Data-free Knowledge Transfer via DeepInversion", CVPR 2020, equations 1 and 4 (classes);
    Genie: `edgeq.reconstruct.generator.generator` and `edgeq.reconstruct.swing.swing`.

    Args:
        model: Canonical float model with one input, its statistics in the `.meta` of values (`FoldBatchnorm`).
        count: Number of samples, rounded up to whole batches.
        progress: Told (steps done, steps in total).

    Raises:
        CalibrationError: The model has several inputs, no statistics, or operators that are not differentiated.
    """
    from threadpoolctl import threadpool_limits

    network, rng, made = statistics_network(model), np.random.default_rng(seed), []
    inputs, batches = input_specs(model), -(-count // BATCH)
    shape = (*inputs[network.name][0], BATCH)
    with threadpool_limits(1, "blas"):  # on small matrices, a second thread on two busy cores cost 5 times the CPU
        guess = _first_guess(network, shape, seed)
        for batch in range(batches):
            source = (_generated if genie else _noise)(network, shape, guess, rng)
            for step in _descend(network, source, rng if genie else None):
                progress(batch * STEPS + step, batches * STEPS)
            made.append(np.moveaxis(source.samples(network.name), -1, 0))
    return samples_of({network.name: np.concatenate(made)}, inputs)


def _first_guess(network: StatisticsNetwork, shape: tuple[int, ...], seed: int) -> Noise:
    """That which fits the statistics best, by few samples."""
    few = (*shape[:-1], FEW)
    return best_noise(lambda noise: network.loss(noise.samples(few, np.random.default_rng(seed))))


def _noise(network: StatisticsNetwork, shape: tuple[int, ...], guess: Noise, rng: np.random.Generator) -> Source:
    """Samples that descend themselves."""
    return Source([], {network.name: guess.samples(shape, rng)}, {network.name: RATE * guess.deviation})


def _generated(network: StatisticsNetwork, shape: tuple[int, ...], guess: Noise, rng: np.random.Generator) -> Source:
    """Samples that a new generator makes."""
    return generator(network.name, shape, (guess.deviation * guess.shift, guess.deviation), rng)


def _descend(network: StatisticsNetwork, source: Source, swinging: np.random.Generator | None) -> Iterator[int]:
    """Changes the source's parameters in place, step by step.

    Args:
        swinging: Shifts what strided convolutions read; None for no shifts.
    """
    adam = Adam(list(source.parameters.values()), [source.rates[name] for name in source.parameters])
    for step in range(STEPS):
        read = (
            network.block.operations if swinging is None else swing(network.block.operations, network.strides, swinging)
        )
        block = Block([*source.operations, *read])
        gradients = block.gradients({**source.parameters, **network.parameters}, network.slopes)
        adam.step([gradients[name] for name in source.parameters], 0.5 + 0.5 * float(np.cos(np.pi * step / STEPS)))
        yield step + 1
