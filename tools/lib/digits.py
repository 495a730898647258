"""What the shipped networks on handwritten digits share: data, augmentation, the form of the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from training import ROOT, SEED, export, train

FOLDER = ROOT / "examples/digits"
INPUT_NAME = "image"
EVAL_SAMPLES = 597
OPSET = 18


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


def train_on_digits(
    net: nn.Module, path: Path, images: np.ndarray, labels: np.ndarray, epochs: int, rate: float
) -> None:
    """Train a network on the images and write it as ONNX."""
    export(
        train(net, images, labels, epochs, rate, augmented=shifted), torch.zeros(1, 1, 8, 8), INPUT_NAME, path, OPSET
    )
