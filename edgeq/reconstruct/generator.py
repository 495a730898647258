"""Where samples that are distilled come from: arrays that descend themselves, or a network that makes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgeq.reconstruct import generator_vjp, vjp
from edgeq.reconstruct.block import Block, Operation
from edgeq.reconstruct.rows import Window

LATENT, CHANNELS = 256, 32

RATE, LATENT_RATE, RANGE_RATE = 0.01, 0.1, 0.02
"""Steps of weights, of latents, and of the range of values in deviations of the first guess."""


@dataclass(frozen=True)
class Source:
    """Makes a batch of samples.

    Attributes:
        operations: Those that make the samples, in order; none where they are a parameter themselves.
        parameters: What descends, by name; arrays are changed in place.
        rates: The size of a step of each parameter.
    """

    operations: Sequence[Operation]
    parameters: Mapping[str, np.ndarray]
    rates: Mapping[str, float]

    def samples(self, name: str) -> np.ndarray:
        """As the parameters are now, (1, channels, *spatial, samples)."""
        return Block(self.operations).values(self.parameters)[name]


def generator(name: str, shape: tuple[int, ...], moments: tuple[float, float], rng: np.random.Generator) -> Source:
    """A network from normal latents to samples; latents and weights descend together.

    A dense layer onto a quarter of each spatial size; twice normalization, LeakyReLU, doubling and a convolution of
    3x3; a convolution onto the channels, normalized, with a scale and a shift that are learned.

    Source: Jeon et al., "Genie: Show Me the Data for Quantization", CVPR 2023, section 3.1 (latents and generator of a
    batch are distilled together); the network is smaller.

    Args:
        name: Of the samples.
        shape: Of the samples, (1, channels, *spatial, samples).
        moments: Mean and standard deviation to begin with.
    """
    deviation = moments[1]
    others = {"z": LATENT_RATE, **dict.fromkeys(("scale", "shift"), RANGE_RATE * deviation)}
    parameters = _parameters(shape, moments, rng)
    return Source(
        [_owned(operation, name) for operation in _operations(name, shape[2:-1])],
        {_own(key): array for key, array in parameters.items()},
        {_own(key): others.get(key, RATE) for key in parameters},
    )


def _small(spatial: Sequence[int]) -> list[int]:
    """Where the dense layer begins."""
    return [-(-size // 4) for size in spatial]


def _parameters(
    shape: tuple[int, ...], moments: tuple[float, float], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    _, channels, *spatial, samples = shape
    wide, seen = CHANNELS * math.prod(_small(spatial)), CHANNELS * 3 ** len(spatial)

    def normal(*dims: int, inputs: int) -> np.ndarray:
        return (rng.standard_normal(dims) / np.sqrt(inputs)).astype(np.float32)

    by_channel = (1, channels, *(1,) * len(spatial), 1)
    return {
        "z": normal(1, LATENT, samples, inputs=1),
        "w0": normal(1, wide, LATENT, inputs=LATENT),
        "w1": normal(1, CHANNELS, seen, inputs=seen),
        "w2": normal(1, CHANNELS, seen, inputs=seen),
        "w3": normal(1, channels, seen, inputs=seen),
        **{f"b{i}": np.zeros((1, n), np.float32) for i, n in enumerate((wide, CHANNELS, CHANNELS, channels))},
        "shift": np.full(by_channel, moments[0], np.float32),
        "scale": np.full(by_channel, moments[1], np.float32),
    }


def _operations(name: str, spatial: Sequence[int]) -> list[Operation]:
    rank = len(spatial)
    window = Window((3,) * rank, (1,) * rank, (1,) * rank, (1,) * 2 * rank)
    convolve = partial(vjp.convolve, window=window)
    return [
        Operation(("z", "w0", "b0"), "dense", vjp.multiply_matrix),
        Operation(("dense",), "x0", partial(vjp.reshape, shape=(1, CHANNELS, *_small(spatial)))),
        *_doubling("x0", "1", [-(-size // 2) for size in spatial], convolve),
        *_doubling("x1", "2", spatial, convolve),
        Operation(("x2", "w3", "b3"), "last", convolve),
        Operation(("last",), "even", generator_vjp.normalize),
        Operation(("even", "scale", "shift"), name, generator_vjp.scale_channels),
    ]


def _doubling(x: str, step: str, spatial: Sequence[int], convolve: partial[vjp.Result]) -> list[Operation]:
    return [
        Operation((x,), f"n{step}", generator_vjp.normalize),
        Operation((f"n{step}",), f"a{step}", generator_vjp.leak),
        Operation((f"a{step}",), f"u{step}", partial(generator_vjp.resize, spatial=tuple(spatial))),
        Operation((f"u{step}", f"w{step}", f"b{step}"), f"x{step}", convolve),
    ]


def _owned(operation: Operation, name: str) -> Operation:
    """The operation on names of our own, but for that of the samples."""
    output = operation.output if operation.output == name else _own(operation.output)
    return Operation(tuple(map(_own, operation.inputs)), output, operation.apply)


def _own(name: str) -> str:
    """A name that no value of the network has."""
    return f"generator/{name}"
