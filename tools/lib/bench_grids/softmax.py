"""The probabilities of attention on other grids: the shipped transformers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench_grids.measure import MOST_SAMPLES, ROOT, WIDTHS, Row
from edgeq.calibrate.float_runner import FloatRunner
from edgeq.calibrate.load import load_samples
from edgeq.calibrate.specs import input_specs
from edgeq.frontend import load_model
from edgeq.passes.simulate_softmax_grid import SimulateSoftmaxGrid
from edgeq.quant.probability_grids import FAMILIES
from edgeq.report.metrics import measure

MODELS = {"vit": "digits", "names": "names"}

TEXT = """\
## Probabilities of attention

The same for what Softmax puts out in the shipped transformers, everything else float. `even` is what edgeq's kernels
write; `log2` 0 and powers of 1/2, `log_sqrt2` (RepQ-ViT) of its root, `adaptive_log` (AdaLog) of the base, and
`tangent` (after DopQ-ViT) of the angle that has the least square error on the calibration samples.

"""


def softmax_rows() -> list[Row]:
    """Every model, width and grid."""
    return [row for name, data in MODELS.items() for row in _rows(name, data)]


def _rows(name: str, data: str) -> list[Row]:
    model = load_model(ROOT / f"examples/{data}/{name}.onnx")
    folder = ROOT / "calib_data" / data
    seen = load_samples(folder / "calib.npz", input_specs(model))
    unseen = load_samples(folder / "eval.npz", input_specs(model)).first(MOST_SAMPLES)
    (inputs,) = unseen.batches(MOST_SAMPLES)
    (first, *_), (output,) = inputs.values(), [str(value.name) for value in model.graph.outputs]
    reference = FloatRunner(model).run(inputs)[output]

    def row(bits: int, grid: str) -> Row:
        changed = model.clone()
        SimulateSoftmaxGrid(seen, grid, bits)(changed)
        answers = FloatRunner(changed).run(inputs)[output]
        scored = measure("top1", reference, answers, unseen.labels, first)
        return {
            "model": name,
            "bits": str(bits),
            "grid": grid,
            "samples": str(scored.samples),
            "sqnr_db": f"{measure('sqnr', reference, answers, None, first).quantized:.2f}",
            "metric": scored.metric,
            "float": f"{scored.float_value or 0:.4f}",
            "value": f"{scored.quantized:.4f}",
        }

    return [row(bits, grid) for bits in WIDTHS for grid in FAMILIES]


def softmax_table(rows: Sequence[Row]) -> str:
    """A line for each model and width."""
    lines = [["model", "bits", *FAMILIES], ["---"] * (2 + len(FAMILIES))]
    keys = dict.fromkeys((row["model"], row["bits"]) for row in rows)
    for model, bits in keys:
        found = {row["grid"]: float(row["sqnr_db"]) for row in rows if (row["model"], row["bits"]) == (model, bits)}
        best = list(FAMILIES)[int(np.argmax([found[grid] for grid in FAMILIES]))]
        cells = [f"**{found[grid]:.1f}**" if grid == best else f"{found[grid]:.1f}" for grid in FAMILIES]
        lines.append([model, bits, *cells])
    return TEXT + "\n".join(f"| {' | '.join(line)} |" for line in lines)
