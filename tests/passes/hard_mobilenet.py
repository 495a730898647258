"""A MobileNet that computes what it computed before, with channels of very different scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir

from edgeq.frontend.load import load_model
from edgeq.passes.channel_groups import find_groups
from edgeq.passes.channel_scaling import SCALES, scale_channels

OCTAVES = 6


def hard_mobilenet(zoo: Path, *, relu: bool) -> tuple[ir.Model, ir.Model]:
    """mnist_mbv2_torch, and the same with its channels rescaled by factors from 2^-6 to 2^6.

    Args:
        relu: Put Relu for ReLU6, which lets every channel be rescaled; else only the residual streams are.
    """
    model = load_model(zoo / "mnist_mbv2_torch/model.onnx")
    if relu:
        for node in model.graph:
            if node.op_type == "Clip":
                node.op_type = "Relu"
                node.resize_inputs(1)
    hard = model.clone()
    groups = find_groups(hard.graph, SCALES)
    octaves = np.random.default_rng(0).uniform(-OCTAVES, OCTAVES, groups.count)
    octaves[list(groups.pinned)] = 0
    scale_channels(hard.graph, groups, 2.0**octaves)
    return model, hard
