"""What the shipped networks on handwritten digits share: data, training, export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxscript.optimizer import fold_constants, remove_unused_nodes
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "examples/digits"
INPUT_NAME = "image"
SEED = 0
BATCH = 32
EVAL_SAMPLES = 597


def reproducibly() -> None:
    """Seeds PyTorch; one thread, as the order of sums, and so their rounding, depends on the number of threads."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)


def load_split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images float32 [n, 1, 8, 8] in 0..1 and int64 labels: training images and labels, then evaluation's."""
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    train_x, eval_x, train_y, eval_y = train_test_split(
        images, labels, test_size=EVAL_SAMPLES, stratify=labels, random_state=SEED
    )
    return train_x, train_y, eval_x, eval_y


def shifted(images: Tensor) -> Tensor:
    """The batch moved by up to one pixel each way: the only augmentation, against overfitting 1,200 images."""
    down, right = torch.randint(0, 3, (2,)).tolist()
    return nn.functional.pad(images, (1, 1, 1, 1))[:, :, down : down + 8, right : right + 8]


def train(net: nn.Module, images: np.ndarray, labels: np.ndarray, epochs: int, rate: float) -> nn.Module:
    """AdamW with a one-cycle learning rate; the last epoch's weights, with no choice by evaluation accuracy."""
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(loader))
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(shifted(x)), y).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def strip_metadata(graph: onnx.GraphProto) -> None:
    """Remove the exporter's notes, among them call stacks with this machine's paths."""
    for item in (graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        del item.metadata_props[:]


def export(net: nn.Module, path: Path, opset: int) -> None:
    """Write the network, with BatchNormalization kept as nodes of its own."""
    program = torch.onnx.export(
        net,
        (torch.zeros(1, 1, 8, 8),),
        input_names=[INPUT_NAME],
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


def float_accuracy(path: Path, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of right answers of the exported file in onnxruntime."""
    session = onnxruntime.InferenceSession(path)
    logits = np.concatenate([session.run(None, {INPUT_NAME: image[None]})[0] for image in images])
    return float((logits.argmax(axis=1) == labels).mean())
