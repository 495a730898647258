"""Quantune's space of 96 configurations, measured exhaustively.

Its knobs are calibration size, clipping, scheme, granularity, and whether first and last layer stay in float. edgeq
leaves nothing in float; bias correction takes the place of that choice.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from bench_search.zoo import Task, task
from edgeq.passes.calibrate import Calibrate
from edgeq.passes.correct_bias import CorrectBias
from edgeq.passes.freeze_weights import FreezeWeights
from edgeq.passes.insert_qdq import InsertQdq
from edgeq.pipeline import run_passes
from edgeq.search.space import Allocation, Knob, Space

SPACE = Space(
    (
        Knob("calibration_samples", (256, 64, 8)),
        Knob("calibration_method", ("minmax", "entropy")),
        Knob("scheme", ("asymmetric", "symmetric", "symmetric_unsigned", "power_of_two")),
        Knob("granularity", ("channel", "tensor")),
        Knob("correct_bias", (True, False)),
    )
)
WEIGHT_BITS = (8, 4)
SAMPLES = 400
"""Evaluation samples behind a loss."""

HEAD = ("model", "weight_bits", *SPACE.names, "loss", "top1", "seconds")


def sweep(out: Path, models: tuple[str, ...]) -> None:
    """Measures what the file does not hold yet; each row is written at once."""
    known = {tuple(row[:-3]) for row in rows(out)}
    with out.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not known:
            writer.writerow(HEAD)
        for model, bits, allocation in product(models, WEIGHT_BITS, SPACE):
            key = (model, bits, *(value for _, value in allocation.choices))
            if tuple(map(str, key)) in known:
                continue
            start = time.process_time()
            loss, top1 = measure(task(model, SAMPLES), bits, allocation)
            writer.writerow((*key, f"{loss:.6g}", f"{top1:.4f}", f"{time.process_time() - start:.2f}"))
            file.flush()


def rows(path: Path) -> Iterator[list[str]]:
    """Of the file, without its head."""
    if path.exists():
        with path.open(newline="") as file:
            yield from list(csv.reader(file))[1:]


def measure(subject: Task, weight_bits: int, allocation: Allocation) -> tuple[float, float]:
    """(Loss, share of right answers), rounding to nearest."""
    samples = subject.calibration.first(int(allocation["calibration_samples"]))
    scheme = allocation["scheme"]
    passes = [
        Calibrate(samples, allocation["calibration_method"], scheme=scheme),
        InsertQdq(weight_bits, 8, allocation["granularity"] == "channel", scheme),
        *([CorrectBias(samples)] if allocation["correct_bias"] else []),
        FreezeWeights(),
    ]
    return subject.judge(run_passes(subject.model.clone(), passes)[0])
