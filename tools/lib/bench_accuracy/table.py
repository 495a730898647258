"""The benchmark's two tables: one row per run, and one row per pair of an edgeq run and a peer's."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench_accuracy.cells import Cell, float_cell
from bench_accuracy.pairs import answers, changed_answers, count_pairs, error_rank_correlation, sqnr_db
from bench_accuracy.store import Run, Store
from bench_accuracy.zoo import load_inputs, load_labels, zoo_entry


@dataclass(frozen=True)
class RunRow:
    """One run.

    Attributes:
        float_top1, top1: Percent; None where the data have no labels.
        changed: Samples that the float model answers differently; None for an autoencoder.
        sqnr_db: Of the outputs against the float model's.
        rank_correlation: Spearman's, of the reconstruction errors; of autoencoders alone.
        seconds, cpu_seconds, peak_mib: Of quantization alone.
        error: Why the other columns are empty.
    """

    model: str
    config: str
    tool: str
    method: str
    samples: int | None = None
    float_top1: float | None = None
    top1: float | None = None
    changed: int | None = None
    sqnr_db: float | None = None
    rank_correlation: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_mib: float | None = None
    error: str | None = None

    @property
    def cell(self) -> Cell:
        """Which run it is of."""
        return Cell(self.model, self.config, self.tool, self.method)

    @property
    def figures(self) -> tuple[str, ...]:
        """As written, what the outputs alone decide: equal for two runs of equal outputs."""
        return tuple("" if x is None else str(x) for x in (self.top1, self.changed, self.sqnr_db))


@dataclass(frozen=True)
class PairRow:
    """edgeq against a peer on the same samples.

    Attributes:
        won, lost: Samples that edgeq alone, or the peer alone, answers correctly; None without labels.
        p: McNemar's exact test.
        sqnr_gain_db: Output SQNR of edgeq less that of the peer.
    """

    model: str
    config: str
    method: str
    peer: str
    peer_method: str
    won: int | None
    lost: int | None
    p: float | None
    sqnr_gain_db: float

    @property
    def cells(self) -> tuple[Cell, Cell]:
        """The runs of edgeq and of the peer."""
        return (
            Cell(self.model, self.config, "edgeq", self.method),
            Cell(self.model, self.config, self.peer, self.peer_method),
        )


Row = TypeVar("Row", RunRow, PairRow)


def run_row(cell: Cell, store: Store) -> RunRow:
    """The row of a cell that ran."""
    run, reference = store.run(cell), store.run(float_cell(cell.model))
    if run is None or reference is None:
        return RunRow(cell.model, cell.config, cell.tool, cell.method, error=store.error(cell))
    file = zoo_entry(cell.model).eval
    inputs, labels = load_inputs(file)[1], load_labels(file)
    inputs = inputs.reshape(len(inputs), -1)
    rebuilds = run.output.shape == inputs.shape
    return RunRow(
        cell.model,
        cell.config,
        cell.tool,
        cell.method,
        samples=len(inputs),
        float_top1=_top1(reference, labels),
        top1=_top1(run, labels),
        changed=None if rebuilds else changed_answers(reference.output, run.output),
        sqnr_db=_rounded(sqnr_db(reference.output, run.output), 2),
        rank_correlation=(
            _rounded(error_rank_correlation(inputs, reference.output, run.output), 4) if rebuilds else None
        ),
        seconds=_rounded(run.seconds, 2),
        cpu_seconds=_rounded(run.cpu_seconds, 2),
        peak_mib=_rounded(run.peak_mib, 0),
    )


def pair_row(cell: Cell, peer: Cell, store: Store) -> PairRow | None:
    """The row of an edgeq cell and a peer's cell of the same model and configuration; None if either failed."""
    run, other, reference = store.run(cell), store.run(peer), store.run(float_cell(cell.model))
    if run is None or other is None or reference is None:
        return None
    labels = load_labels(zoo_entry(cell.model).eval)
    pairs = None if labels is None else count_pairs(answers(run.output), answers(other.output), labels)
    gain = sqnr_db(reference.output, run.output) - sqnr_db(reference.output, other.output)
    return PairRow(
        cell.model,
        cell.config,
        cell.method,
        peer.tool,
        peer.method,
        won=None if pairs is None else pairs.won,
        lost=None if pairs is None else pairs.lost,
        p=None if pairs is None else float(f"{pairs.p:.3g}"),
        sqnr_gain_db=_rounded(gain, 2),
    )


def noise_pairs(rows: Sequence[RunRow]) -> list[PairRow]:
    """Of edgeq's runs without labels, whose rows say all that counts: the peers' outputs need not be at hand."""
    unlabelled = [row for row in rows if row.sqnr_db and not row.top1]
    return [
        PairRow(
            *(ours.model, ours.config, ours.method, peer.tool, peer.method),
            won=None,
            lost=None,
            p=None,
            sqnr_gain_db=_rounded(float(ours.sqnr_db or 0) - float(peer.sqnr_db or 0), 2),
        )
        for ours in unlabelled
        for peer in unlabelled
        if ours.tool == "edgeq" != peer.tool and (ours.model, ours.config) == (peer.model, peer.config)
    ]


def write_csv(file: Path, rows: Sequence[RunRow] | Sequence[PairRow], kind: type, comments: Iterable[str]) -> None:
    """Comment lines, a header, and the rows; what does not apply is empty."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(f"# {line}\n" for line in comments)
        writer = csv.DictWriter(stream, [field.name for field in fields(kind)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_rows(file: Path, kind: type[Row]) -> list[Row]:
    """Rows of a file that `write_csv` wrote, their numbers as written; none where there is no file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return [kind(**row) for row in csv.DictReader(line for line in stream if not line.startswith("#"))]


def _top1(run: Run, labels: np.ndarray | None) -> float | None:
    return None if labels is None else _rounded(100 * float(np.mean(answers(run.output) == labels)), 2)


def _rounded(value: float, digits: int) -> float:
    return round(value, digits)
