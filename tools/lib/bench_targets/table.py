"""The table: a CSV of one row for each target and model, and its summary for the README."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CSV = ROOT / "benchmarks/targets.csv"
COLUMNS = (
    "target", "run", "model", "samples", "equal", "instructions", "per_mac", "flash_bytes", "ram_bytes",
    "cycles", "simulated", "dsp", "bram18",
)  # fmt: skip
SHOWN = ("dscnn", "resnet8")
COSTS = ("instructions", "flash_bytes", "ram_bytes")

Row = dict[str, str]


def read() -> list[Row]:
    """The rows of the file, if there is one."""
    if not CSV.exists():
        return []
    with CSV.open(newline="") as file:
        return list(csv.DictReader(file))


def write(rows: Iterable[Row]) -> None:
    """The whole file, at once: who reads it meanwhile finds the one before."""
    new = CSV.with_suffix(".new")
    with new.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    new.replace(CSV)


def processors(rows: Sequence[Row]) -> str:
    """A table of a line for each processor: how many models are equal, and what two of them cost."""
    lines = [["target", "run on", "models equal", "samples"]]
    lines[0] += [f"{model}: {cost.removesuffix('_bytes')}" for model in SHOWN for cost in COSTS]
    for target in dict.fromkeys(row["target"] for row in rows if "fpga" not in row["target"]):
        mine = {row["model"]: row for row in rows if row["target"] == target}
        cells = [_number(mine.get(model, {}).get(cost, "")) for model in SHOWN for cost in COSTS]
        lines.append([target, next(iter(mine.values()))["run"], *_exactness(list(mine.values())), *cells])
    return _markdown(lines)


def devices(rows: Sequence[Row]) -> str:
    """A table of a line for each model as a design for an FPGA."""
    lines = [["target", "run by", "model", "samples", "equal", "cycles", "simulated", "dsp", "bram18"]]
    for row in (row for row in rows if "fpga" in row["target"]):
        costs = [_number(row[cost]) for cost in ("cycles", "simulated", "dsp", "bram18")]
        lines.append([row["target"], row["run"], row["model"], row["samples"], row["equal"], *costs])
    return _markdown(lines)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table whose first line is its head."""
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)


def _exactness(rows: Sequence[Row]) -> tuple[str, str]:
    """How many models gave equal bytes, and of how many samples of each."""
    counts = [int(row["samples"]) for row in rows if row["samples"]]
    equal = sum(row["equal"] == "yes" for row in rows)
    return f"{equal} of {len(rows)}", f"{min(counts)} to {max(counts)}" if counts else "0"


def _number(text: str) -> str:
    return f"{int(text):,}" if text else ""
