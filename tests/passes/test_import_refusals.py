"""QDQ models of other tools that cannot enter are refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from edgeq.errors import UnsupportedError
from edgeq.frontend.load import load_model
from edgeq.passes.recipes import import_passes
from edgeq.pipeline import run_passes

from .graphs import parse


def imported(model: ir.Model) -> ir.Model:
    return run_passes(model.clone(), import_passes())[0]


PAIR = "xq = QuantizeLinear(x, s, z)  xd = DequantizeLinear(xq, s, z)"
REFUSED = {
    "float island": (f"{PAIR}  a = Sigmoid(xd)  y = Relu(a)", "a"),
    "float output": (f"{PAIR}  y = Sigmoid(xd)", "y"),
    "float input": ("a = Sigmoid(x)  aq = QuantizeLinear(a, s, z)  y = DequantizeLinear(aq, s, z)", "x"),
    "float weight": (f"{PAIR}  a = MatMul(xd, w)  aq = QuantizeLinear(a, s, z)  y = DequantizeLinear(aq, s, z)", "w"),
    "per channel": ("xq = QuantizeLinear<axis=1>(x, sc, zc)  y = DequantizeLinear<axis=1>(xq, sc, zc)", "x"),
    "int16 interface": ("xq = QuantizeLinear(x, s, wide)  y = DequantizeLinear(xq, s, wide)", "x"),
    "int16 zero point": (
        f"{PAIR}  a = Sigmoid(xd)  aq = QuantizeLinear(a, s, odd)  ad = DequantizeLinear(aq, s, odd)"
        "  t = Tanh(ad)  tq = QuantizeLinear(t, s, z)  y = DequantizeLinear(tq, s, z)", "a"
    ),
    "other scale": ("xq = QuantizeLinear(x, s, z)  y = DequantizeLinear(xq, r, z)", "x"),
    "integer movement": (
        "xq = QuantizeLinear(x, s, z)  t = Transpose(xq)  y = DequantizeLinear(t, s, z)", "x"
    ),
    "computed scale": (
        "a = ReduceMax<keepdims=0>(x)  xq = QuantizeLinear(x, a, z)  y = DequantizeLinear(xq, a, z)", "x"
    ),
    "negative scale": ("xq = QuantizeLinear(x, n, z)  y = DequantizeLinear(xq, n, z)", "x"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_place(case: str) -> None:
    body, tensor = REFUSED[case]
    model = parse(
        f"g (float[2,2] x) => (float[2,2] y) {{ {body} }}",
        {
            "s": np.float32(0.1), "r": np.float32(0.2), "n": np.float32(-1), "z": np.int8(0), "wide": np.int16(0),
            "odd": np.int16(1), "w": np.eye(2, dtype=np.float32), "sc": np.ones(2, np.float32),
            "zc": np.zeros(2, np.int8),
        },
    )  # fmt: skip
    with pytest.raises(UnsupportedError) as error:
        imported(model)
    assert error.value.fix and error.value.tensor == tensor


def test_integer_interface_is_refused() -> None:
    model = parse("g (uint8[1,4] x) => (float[1,4] y) { y = DequantizeLinear(x, s) }", {"s": np.float32(0.1)})
    with pytest.raises(UnsupportedError, match="UINT8") as error:
        imported(model)
    assert error.value.tensor == "x"


def test_integer_operators_are_refused_with_the_format_that_works(tmp_path: Path) -> None:
    """onnxruntime's other format, QOperator."""
    model = parse(
        """g (float[1,4] x) => (float[1,4] y) {
            q = QuantizeLinear(x, s, z)  m = QLinearMatMul(q, s, z, w, s, z, s, z)  y = DequantizeLinear(m, s, z) }""",
        {"s": np.float32(0.1), "z": np.int8(0), "w": np.eye(4, dtype=np.int8)},
    )
    ir.save(model, tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError, match="QLinearMatMul") as error:
        load_model(tmp_path / "m.onnx")
    assert error.value.node and "QDQ format" in str(error.value.fix)
