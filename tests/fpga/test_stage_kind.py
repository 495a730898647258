"""Which operators stream, and which wait for whole tensors."""

from __future__ import annotations

from lower.every_kernel import every_kernel

from edgeq.fpga.dataflow import dataflow
from edgeq.fpga.stage_kind import Kind, kind_of


def test_layers_stream_with_groups_and_at_16_bits() -> None:
    flow = dataflow(every_kernel())
    kinds = {stage.ops[0].kind: set() for stage in flow.stages}
    for stage in flow.stages:
        kinds[stage.ops[0].kind].add(kind_of(stage, flow.program))
    windows = {"conv2d", "dense", "max_pool", "average_pool"}
    assert {name for name, found in kinds.items() if found == {Kind.WINDOW}} == windows
    assert {name for name, found in kinds.items() if found == {Kind.ELEMENTWISE}} == {"lut", "interpolate"}
