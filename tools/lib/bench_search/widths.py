"""The space of weight widths per layer, judged fast: layers quantized once at each width, then put together at will."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime as ort

from bench_search.zoo import ZOO, Task, probabilities_of, task
from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.prediction import prediction_difference
from edgeq.config import load_config
from edgeq.passes.assign_widths import weight_layers
from edgeq.passes.editing import constant
from edgeq.passes.qdq import read_grid
from edgeq.progress import silent
from edgeq.quantizer import quantize
from edgeq.report.inspect import inspect_model
from edgeq.search.effects import measure_effects
from edgeq.search.features import TINY, Features
from edgeq.search.space import Allocation, Knob, Space
from edgeq.search.strategy import Layer, Problem
from edgeq.search.surrogate import Records
from edgeq.search.trial import Budgets, Cost

WIDTHS = (8, 4, 2)
SAMPLES = 50
"""Evaluation samples behind a loss."""

FACTS = 8
"""Samples that facts about layers come from."""


class Widths:
    """A model whose every layer may have 8, 4 or 2 bits of weights, all activations 8.

    A layer's integers are those of the model with all layers at that width (preset `balanced`, without equalization,
    which would tie layers together).

    Attributes:
        seen: Losses of the allocations that were judged; kept in a file.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.task: Task = task(name, SAMPLES)
        self._path = folder / f"widths_{name}.csv"
        models = {bits: _quantized(name, bits) for bits in WIDTHS}
        self.parts = {bits: _parts(model) for bits, model in models.items()}
        self.space = Space(tuple(Knob("weight_bits", WIDTHS, layer) for layer in self.parts[8]))
        self.sizes = {layer: arrays[0].size for layer, arrays in self.parts[8].items()}
        self._session = _session(models[8])
        self.seen: dict[Allocation, float] = {}
        if self._path.exists():
            with self._path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if row["integers"] == self.digest]
            self.seen = {self._allocation(row["widths"]): float(row["loss"]) for row in rows}

    @cached_property
    def digest(self) -> str:
        """Of all integers: losses of others do not compare."""
        content = sha256()
        for layers in self.parts.values():
            for arrays in layers.values():
                for array in arrays:
                    content.update(array.tobytes())
        return content.hexdigest()[:8]

    def save(self) -> None:
        """Writes what was judged: a digit for each layer, and the loss."""
        with self._path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("integers", "widths", "loss"))
            for allocation, loss in self.seen.items():
                writer.writerow((self.digest, "".join(str(bits) for _, bits in allocation.choices), f"{loss:.6g}"))

    def _allocation(self, digits: str) -> Allocation:
        return Allocation(tuple(zip(self.space.names, map(int, digits), strict=True)))

    def loss(self, allocation: Allocation) -> float:
        """Kullback-Leibler divergence from the float model's answers."""
        if allocation not in self.seen:
            self.seen[allocation] = float(f"{self._judge(allocation):.6g}")
        return self.seen[allocation]

    def _judge(self, allocation: Allocation) -> float:
        chosen = allocation.layers("weight_bits")
        weights = {}
        for layer, bits in chosen.items():
            for i, array in enumerate(self.parts[int(bits)][layer], start=1):
                weights[f"{layer}:{i}"] = array
        names = list(self.task.feeds)
        count = len(self.task.labels)
        rows = [
            self._session.run(None, {**weights, **{n: self.task.feeds[n][i] for n in names}})[0] for i in range(count)
        ]
        return prediction_difference(self.task.expected, probabilities_of(np.stack(rows)), probabilities=True)

    def cost(self, allocation: Allocation) -> Cost:
        """Packed weights; nothing else depends on what is chosen here."""
        bits = allocation.layers("weight_bits")
        weights = sum(-(-self.sizes[layer] * int(width) // 8) for layer, width in bits.items())
        return Cost(weights, weights, 0)

    @property
    def half(self) -> Budgets:
        """Half of the packed weights at 8 bits."""
        return Budgets(max_weights=sum(self.sizes.values()) // 2)

    @property
    def uniform(self) -> Allocation:
        """All weights at 4 bits, which is just within that."""
        return self.space.default().replace(dict.fromkeys(self.space.names, 4))

    def problem(self, seed: int) -> Problem:
        """The least loss within half of the weights."""
        return Problem(self.space, self.half, self.cost, self.loss, self.layers, (), seed)

    @cache  # noqa: B019  # lives as long as the benchmark
    def layers(self) -> list[Layer]:
        """Facts of the float model."""
        nodes = weight_layers(self.task.model.graph)
        tensors = [str(v.name) for node in nodes.values() for v in (node.inputs[0], node.outputs[0]) if v is not None]
        inputs = {str(value.name) for value in self.task.model.graph.inputs}
        feeds = {name: array[:FACTS] for name, array in self.task.feeds.items()}
        made = {
            **feeds,
            **FloatRunner(self.task.model, [t for t in dict.fromkeys(tensors) if t not in inputs]).run(feeds),
        }
        macs = {row["name"]: row["macs"] for row in inspect_model(ZOO / self.task.name / "model.onnx", {})["nodes"]}
        return [
            Layer(name, node.op_type, macs[name], self.parts[8][name][0], *(made[str(v.name)] for v in ends))
            for name, node in nodes.items()
            if (ends := (node.inputs[0], node.outputs[0]))
        ]


def records_of(widths: Widths, allocations: Sequence[Allocation]) -> Records:
    """Allocations, as trials for a prior."""
    problem = widths.problem(0)
    features = Features(problem, measure_effects(problem))
    indices = np.array([widths.space.encode(allocation) for allocation in allocations])
    measured = np.log(np.array([widths.loss(allocation) for allocation in allocations]) + TINY)
    return Records(features.names, features.matrix(indices), measured - features.baseline(indices))


def _quantized(name: str, bits: int) -> ir.Model:
    data = {"calib": ZOO / name / "calib.npz", "weight_bits": bits, "passes": {"equalize_layers": False}}
    return quantize(ZOO / name / "model.onnx", load_config(None, data), silent).model


def _parts(model: ir.Model) -> dict[str, tuple[np.ndarray, ...]]:
    """Dequantized weight and, where there is one, bias of each layer."""
    return {
        name: tuple(_real(value) for value in node.inputs[1:] if value is not None)
        for name, node in weight_layers(model.graph).items()
    }


def _real(value: ir.Value) -> np.ndarray:
    """What a dequantized constant is."""
    undo = value.producer()
    assert undo is not None
    stored = constant(undo.inputs[0])
    assert stored is not None
    return read_grid(undo).dequantize(stored).astype(np.float32)


def _session(model: ir.Model) -> ort.InferenceSession:
    """The model with weights and biases as inputs, `<layer>:1` and `<layer>:2`."""
    model = model.clone()
    for name, node in weight_layers(model.graph).items():
        for i, value in enumerate(node.inputs[1:], start=1):
            if value is not None:
                given = ir.Value(name=f"{name}:{i}", shape=value.shape, type=ir.TensorType(ir.DataType.FLOAT))
                model.graph.inputs.append(given)
                node.replace_input_with(i, given)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return ort.InferenceSession(ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"])
