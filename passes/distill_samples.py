"""Calibration samples without data: inputs that give a network the statistics of its batch normalizations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgeq.calibrate.noise import Noise, best_noise
from edgeq.calibrate.samples import Samples
from edgeq.calibrate.specs import input_specs
from edgeq.calibrate.synthetic import samples_of
from edgeq.errors import CalibrationError, UnsupportedError
from edgeq.passes.differentiable import layer_parameters, operations
from edgeq.passes.editing import static_shape
from edgeq.passes.fold_batchnorm import META_KEY, BatchNorm
from edgeq.reconstruct.adam import Adam
from edgeq.reconstruct.block import Block

BATCH = 16
"""Samples whose statistics are matched together."""

FEW = 8
"""Samples by which first guesses are compared."""

STEPS = 300
RATE = 0.1
"""Of a step, in standard deviations of the first guess; it falls to zero on a cosine."""

Moments = tuple[np.ndarray, np.ndarray]
"""Mean and deviation of channels."""

LEAST_GAMMA = 1e-3
"""Channels that vary less after normalization say nothing about the input."""


def distilled_samples(model: ir.Model, count: int, seed: int, progress: Callable[[int, int], None]) -> Samples:
    """Samples on which every normalized channel has nearly the mean and deviation that it had in training.

    So that the samples also drive what follows the last normalization as far as real ones do, each is to be of a
    class of its own: the cross-entropy of the scores is part of the loss where the network ends in some.

    Gradient descent on the input, from the normal noise that fits best: white or as smooth as photographs, as even or
    as uneven in loudness as recordings, of any mean and deviation. The loss sums mean(z)^2 + (deviation(z) - 1)^2 over
    the normalized values z of all channels.

    Genie's swing convolution (Jeon et al., CVPR 2023, section 3.2) was tried, with 300 steps: at int8 the outputs of
    dscnn had 22.3 dB in place of 30.3, those of resnet8 24.9 in place of 24.5. Its generator (section 3.1) in place of
    noise gave dscnn 24.7 dB, and resnet8 21.6 in 80 steps, where noise gave 25.0.

    Sources: Cai et al., "ZeroQ: A Novel Zero Shot Quantization Framework", CVPR 2020, section 3.1, equation 3; Yin et
    al., "Dreaming to Distill: Data-free Knowledge Transfer via DeepInversion", CVPR 2020, equations 1 and 4 (classes).

    Args:
        model: Canonical float model with one input, its statistics in the `.meta` of values (`FoldBatchnorm`).
        count: Number of samples, rounded up to whole batches.
        progress: Told (steps done, steps in total).

    Raises:
        CalibrationError: The model has several inputs, no statistics, or operators that are not differentiated.
    """
    from threadpoolctl import threadpool_limits

    network = _network(model)
    with threadpool_limits(1, "blas"):  # on small matrices, a second thread on two busy cores cost 5 times the CPU
        return _distilled(model, network, -(-count // BATCH), seed, progress)


def _distilled(
    model: ir.Model, network: _Network, batches: int, seed: int, progress: Callable[[int, int], None]
) -> Samples:
    generator = np.random.default_rng(seed)
    inputs = input_specs(model)
    (name,) = inputs
    shape = (*inputs[name][0], BATCH)
    guess = _first_guess(network, name, shape, seed)
    made = []
    for batch in range(batches):
        x = guess.samples(shape, generator)
        for step in _descend(network, name, x, RATE * guess.deviation):
            progress(batch * STEPS + step, batches * STEPS)
        made.append(np.moveaxis(x, -1, 0))
    return samples_of({name: np.concatenate(made)}, inputs)


@dataclass(frozen=True, eq=False)
class _Network:
    """A float network up to its last normalized value.

    Attributes:
        block: Its operations.
        parameters: Weights and biases by name.
        scores: Name of the value (1, classes) that tells classes apart; None where there is none.
        statistics: Mean and deviation in training by name of a value, each (1, channels, 1...); deviation 0: ignored.
    """

    block: Block
    parameters: dict[str, np.ndarray]
    scores: str | None
    statistics: dict[str, Moments]


def _network(model: ir.Model) -> _Network:
    if len(model.graph.inputs) != 1:
        raise CalibrationError("synthetic samples need a model with one input", fix="give real samples with --calib")
    normalized = {value: found for node in model.graph for value in node.outputs if (found := _statistics(value))}
    if not normalized:
        raise CalibrationError(
            "the model holds no batch normalization whose statistics synthetic samples could follow",
            fix="export it with BatchNormalization as nodes of its own (torch.onnx.export: optimize=False), or give "
            "real samples with --calib",
        )
    with suppress(UnsupportedError):  # behind the last normalization there may be what is not differentiated
        return _up_to(model.graph, normalized, _scores(model.graph))
    try:
        return _up_to(model.graph, normalized, [])
    except UnsupportedError as error:
        raise CalibrationError(error.what, node=error.node, fix="give real samples with --calib") from error


def _up_to(graph: ir.Graph, normalized: dict[ir.Value, Moments], scores: list[ir.Value]) -> _Network:
    nodes = _ancestors(graph, [*normalized, *scores])
    block, parameters = Block(operations(nodes, quantized=False)), layer_parameters(nodes)
    statistics = {str(value.name): found for value, found in normalized.items()}
    return _Network(block, parameters, str(scores[0].name) if scores else None, statistics)


def _scores(graph: ir.Graph) -> list[ir.Value]:
    """The value of shape (1, classes) that the network ends in, in front of a Softmax; none of another shape."""
    value = graph.outputs[0]
    last = value.producer()
    if last is not None and last.op_type == "Softmax" and last.inputs[0] is not None:
        value = last.inputs[0]
    shape = static_shape(value) or ()
    return [value] if len(graph.outputs) == 1 and len(shape) == 2 and shape[1] > 1 else []


def _statistics(value: ir.Value) -> Moments | None:
    """Mean and deviation of the channels after normalization."""
    found = value.meta.get(META_KEY)
    if not isinstance(found, BatchNorm):
        return None
    deviation = np.abs(found.gamma)
    shape = (1, -1, *[1] * (len(value.shape or ()) - 1))
    return found.beta.reshape(shape), np.where(deviation < LEAST_GAMMA, 0, deviation).reshape(shape)


def _ancestors(graph: ir.Graph, values: list[ir.Value]) -> list[ir.Node]:
    """The nodes that some values need, in order of execution."""
    wanted = set(values)
    kept: list[ir.Node] = []
    for node in reversed(graph):
        if wanted & set(node.outputs):
            wanted |= {value for value in node.inputs if value is not None}
            kept.append(node)
    return kept[::-1]


def _first_guess(network: _Network, name: str, shape: tuple[int, ...], seed: int) -> Noise:
    """That which fits the statistics best, by few samples."""
    few = (*shape[:-1], FEW)

    def loss(noise: Noise) -> float:
        samples = noise.samples(few, np.random.default_rng(seed))
        return _loss(network, network.block.values({name: samples, **network.parameters}))

    return best_noise(loss)


def _loss(network: _Network, values: dict[str, np.ndarray]) -> float:
    return float(sum(_mismatch(values[name], *known)[0] for name, known in network.statistics.items()))


def _descend(network: _Network, name: str, x: np.ndarray, rate: float) -> Iterator[int]:
    """Changes x in place, step by step."""
    adam = Adam([x], [rate])
    for step in range(STEPS):
        gradients = network.block.gradients({name: x, **network.parameters}, lambda values: _slopes(network, values))
        adam.step([gradients[name]], 0.5 + 0.5 * float(np.cos(np.pi * step / STEPS)))
        yield step + 1


def _slopes(network: _Network, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    slopes = {name: _mismatch(values[name], *known)[1] for name, known in network.statistics.items()}
    if network.scores is not None:
        by_class = _unsure(values[network.scores])
        slopes[network.scores] = slopes[network.scores] + by_class if network.scores in slopes else by_class
    return slopes


def _unsure(scores: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross-entropy, by scores (1, classes, samples), of one class after the other."""
    classes, samples = scores.shape[1:]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    wanted = np.arange(classes)[:, None] == np.arange(samples) % classes
    return ((powers / powers.sum(axis=1, keepdims=True) - wanted) / samples).astype(np.float32)


def _mismatch(values: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> tuple[float, np.ndarray]:
    """How far a batch's statistics are from those of training, averaged over channels, and the gradient of that."""
    axes = tuple(axis for axis in range(values.ndim) if axis != 1)
    inverse = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    z = (values - mean) * inverse
    off = z.mean(axis=axes, keepdims=True)
    spread = np.sqrt(np.square(z - off).mean(axis=axes, keepdims=True) + np.float32(1e-6))
    excess = np.where(deviation > 0, spread - 1, 0)
    gradient = (off + excess * (z - off) / spread) * inverse * np.float32(2 / values.size)
    return float((np.square(off) + np.square(excess)).mean()), gradient
