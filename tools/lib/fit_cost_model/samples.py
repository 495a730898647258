"""The measured kernel calls as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgeq.cost.shape import KernelShape, Loops

HEAD = (
    *("target", "network", "network_weight_bits", "network_activation_bits"),
    *("kernel", "weight_bits", "activation_bits", "rows", "columns", "depth", "inputs"),
    *("window_height", "window_width", "stride_height", "stride_width", "taps", "groups", "instructions", "cycles"),
)


@dataclass(frozen=True)
class Sample:
    """One kernel call.

    Attributes:
        widths: (weights, activations) that the network was quantized to, in bits.
        instructions: Executed.
        cycles: Estimated; None where there is no table of the core.
    """

    target: str
    network: str
    widths: tuple[int, int]
    shape: KernelShape
    instructions: int
    cycles: int | None


def append(path: Path, samples: Iterable[Sample]) -> None:
    """Adds rows to the file, which is made where there is none."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(HEAD)
        writer.writerows(map(_row, samples))


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Makes the file anew."""
    path.unlink(missing_ok=True)
    append(path, samples)


def _row(sample: Sample) -> tuple[object, ...]:
    shape, loops = sample.shape, sample.shape.loops
    sizes = (loops.rows, loops.columns, loops.depth, loops.inputs, *loops.window, *loops.strides)
    kernel = (shape.kernel, shape.weight_bits, shape.activation_bits)
    counts = (sample.instructions, sample.cycles if sample.cycles is not None else "")
    return sample.target, sample.network, *sample.widths, *kernel, *sizes, loops.taps, loops.groups, *counts


def read(path: Path) -> list[Sample]:
    """All rows of the file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [_sample(row) for row in csv.DictReader(file)]


def _sample(row: dict[str, str]) -> Sample:
    number = {key: int(value) for key, value in row.items() if value.isdecimal()}
    loops = Loops(
        *(number[key] for key in ("rows", "columns", "depth", "inputs")),
        window=(number["window_height"], number["window_width"]),
        strides=(number["stride_height"], number["stride_width"]),
        taps=number["taps"],
        groups=number["groups"],
    )
    shape = KernelShape(row["kernel"], number["weight_bits"], number["activation_bits"], loops)
    widths = (number["network_weight_bits"], number["network_activation_bits"])
    return Sample(row["target"], row["network"], widths, shape, number["instructions"], number.get("cycles"))
