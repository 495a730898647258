"""Passes are run, verified, recorded and dumped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from frontend.graphs import ops, parse

from edgeq.errors import VerificationError
from edgeq.passes.fold_batchnorm import FoldBatchnorm
from edgeq.passes.remove_dead import RemoveDead
from edgeq.pipeline import PassRecord, run_passes

MODEL = """g (float[1,2,3,3] x) => (float[1,2,3,3] y) <float[2] one = {1, 1}> {
    c = Conv(x, w)  n = BatchNormalization(c, one, one, one, one)  y = Relu(n)
}"""


def model() -> ir.Model:
    return parse(MODEL, {"w": np.ones((2, 2, 1, 1), np.float32)})


class Break(ir.passes.InPlacePass):
    """Leaves a node that ONNX does not know."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        model.graph[0].op_type = "Nonsense"
        return ir.passes.PassResult(model, True)


class Crash(ir.passes.InPlacePass):
    """Raises what no user should see."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        raise KeyError("inner")


def test_records_name_and_count() -> None:
    seen: list[PassRecord] = []
    result, records = run_passes(model(), [RemoveDead(), FoldBatchnorm()], on_pass=seen.append)
    assert [(r.name, r.changed, r.nodes) for r in records] == [("remove_dead", False, 3), ("fold_batchnorm", True, 2)]
    assert seen == records
    assert all(record.seconds >= 0 for record in records)
    assert ops(result) == ["Conv", "Relu"]


def test_dumps_are_valid_and_annotated(tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    result, _ = run_passes(model(), [FoldBatchnorm(), RemoveDead()], dump_dir=folder, first=4)
    assert sorted(path.name for path in folder.iterdir()) == ["04-fold_batchnorm.onnx", "05-remove_dead.onnx"]
    dumped = onnx.load(folder / "05-remove_dead.onnx")
    onnx.checker.check_model(dumped, full_check=True)
    notes = {prop.key: prop.value for info in dumped.graph.value_info for prop in info.metadata_props}
    assert '"variance": [1.0, 1.0]' in notes["edgeq.batchnorm"]
    assert not any(value.metadata_props for node in result.graph for value in node.outputs)


@pytest.mark.parametrize(
    ("bad", "text"), [(Break(), "pass break left an invalid model"), (Crash(), "pass crash failed")]
)
def test_bad_passes_are_named(bad: ir.passes.PassBase, text: str) -> None:
    with pytest.raises(VerificationError, match=text):
        run_passes(model(), [bad])
