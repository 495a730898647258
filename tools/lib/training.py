"""What the scripts that train the shipped networks share: training, export, accuracy of the exported file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxscript.optimizer import fold_constants, remove_unused_nodes
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = 0
BATCH = 32


def reproducibly() -> None:
    """Seeds PyTorch; one thread, as the order of sums, and so their rounding, depends on the number of threads."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)


def unchanged(batch: Tensor) -> Tensor:
    """No augmentation."""
    return batch


def train(
    net: nn.Module,
    inputs: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    rate: float,
    batch: int = BATCH,
    augmented: Callable[[Tensor], Tensor] = unchanged,
) -> nn.Module:
    """AdamW with a one-cycle learning rate; the last epoch's weights, with no choice by evaluation accuracy."""
    data = torch.utils.data.TensorDataset(torch.from_numpy(inputs), torch.from_numpy(labels))
    loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(loader))
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(augmented(x)), y).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def export(net: nn.Module, sample: Tensor, input_name: str, path: Path, opset: int) -> None:
    """Write the network, with BatchNormalization kept as nodes of its own.

    Args:
        sample: An input of batch 1, for its shape and type.
    """
    program = torch.onnx.export(
        net,
        (sample,),
        input_names=[input_name],
        output_names=["logits"],
        opset_version=opset,
        dynamo=True,
        optimize=False,  # the exporter's optimizer would fold batch normalization into the convolutions
        verbose=False,
    )
    fold_constants(program.model)
    remove_unused_nodes(program.model)
    model = program.model_proto
    strip_metadata(model.graph)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def strip_metadata(graph: onnx.GraphProto) -> None:
    """Remove the exporter's notes, among them call stacks with this machine's paths."""
    for item in (graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        del item.metadata_props[:]


def float_accuracy(path: Path, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Share of right answers of the exported file in onnxruntime."""
    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    logits = np.concatenate([session.run(None, {name: sample[None]})[0] for sample in inputs])
    return float((logits.argmax(axis=1) == labels).mean())


def save_data(folder: Path, name: str, **arrays: np.ndarray) -> str:
    """Write one data file of a set and return its sha256."""
    path = folder / name
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return hashlib.sha256(path.read_bytes()).hexdigest()
