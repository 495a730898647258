"""Which operators stream, and which wait for whole tensors."""

from __future__ import annotations

import numpy as np
from lower.every_kernel import every_kernel
from program.programs import program, requantize

from edgeq.fpga.dataflow import SHALLOW, dataflow
from edgeq.fpga.stage_kind import Kind
from edgeq.program.ops import Copy, Dense, View


def test_layers_stream_with_groups_and_at_16_bits() -> None:
    flow = dataflow(every_kernel())
    kinds = {stage.ops[0].kind: set() for stage in flow.stages}
    for stage in flow.stages:
        kinds[stage.ops[0].kind].add(stage.kind(flow.program))
    windows = {"conv2d", "dense", "max_pool", "average_pool"}
    assert {name for name, found in kinds.items() if found == {Kind.WINDOW}} == windows
    assert {name for name, found in kinds.items() if found == {Kind.ELEMENTWISE}} == {"lut", "interpolate"}


def test_what_is_sent_at_once_is_held_as_a_whole() -> None:
    """Where stages take turns: the layer behind a transpose has work while that takes in the next tensor."""
    transpose = Copy("transpose", "a", "x", View((3, 20), (20, 1)), View((3, 20), (1, 3)))
    layers = [
        Dense(name, y, x, 20, np.ones((3, 3), np.int8), 8, np.zeros(3, np.int32), requantize(3))
        for name, y, x in (("first", "b", "a"), ("second", "y", "b"))
    ]
    made = program([transpose, *layers], {"x": (3, 20), "a": (20, 3), "b": (20, 3), "y": (20, 3)}, ["x"], ["y"])
    assert [stream.depth for stream in dataflow(made, turns=True).inner] == [60, SHALLOW]
    assert [stream.depth for stream in dataflow(made).inner] == [SHALLOW, SHALLOW]
