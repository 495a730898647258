"""Keeps every run's outputs and costs, so that pairs can be counted and single runs repeated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_accuracy.cells import Cell


@dataclass(frozen=True, eq=False)
class Run:
    """What a run left.

    Attributes:
        output: The quantized model's outputs on the evaluation data, (samples, values).
        seconds, cpu_seconds: Of quantization alone.
        peak_mib: Largest resident set up to the end of quantization.
    """

    output: np.ndarray
    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Store:
    """A folder with an .npz file, or an .error file, per cell."""

    folder: Path

    def result_file(self, cell: Cell) -> Path:
        """Where the worker writes."""
        return self.folder / f"{cell.key}.npz"

    def has(self, cell: Cell) -> bool:
        """Whether the cell ran, with success or without."""
        return self.result_file(cell).exists() or self._error_file(cell).exists()

    def forget(self, cell: Cell) -> None:
        """Removes what an earlier run left."""
        self.result_file(cell).unlink(missing_ok=True)
        self._error_file(cell).unlink(missing_ok=True)

    def fail(self, cell: Cell, reason: str) -> None:
        """Notes why a run has no result."""
        self.result_file(cell).unlink(missing_ok=True)
        self._error_file(cell).write_text(reason, encoding="utf-8")

    def error(self, cell: Cell) -> str | None:
        """Why a run has no result."""
        file = self._error_file(cell)
        return file.read_text(encoding="utf-8") if file.exists() else None

    def run(self, cell: Cell) -> Run | None:
        """What the run left; None where it failed or did not run."""
        file = self.result_file(cell)
        if not file.exists():
            return None
        with np.load(file) as arrays:
            return Run(arrays["output"], *(float(arrays[name]) for name in ("seconds", "cpu_seconds", "peak_mib")))

    def _error_file(self, cell: Cell) -> Path:
        return self.folder / f"{cell.key}.error"
