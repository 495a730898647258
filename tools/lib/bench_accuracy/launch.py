"""Runs each cell in a process of its own: costs are measured alone, and a tool that crashes takes nothing with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench_accuracy.cells import TOOLS, Cell
from bench_accuracy.job import Job
from bench_accuracy.store import Store
from bench_accuracy.zoo import zoo_entry

TIMEOUT_SECONDS = 1800
# Waiting threads that spin make PyTorch ten times slower on two busy cores.
THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
PACKAGES = Path(__file__).resolve().parents[1]
ERROR_LENGTH = 200


def launch(cell: Cell, store: Store, peers_python: Path) -> None:
    """Runs one cell; its result, or the reason why there is none, is in the store afterwards.

    Args:
        peers_python: Interpreter of the virtual environment that has the peers.
    """
    store.forget(cell)
    tool = TOOLS[cell.tool]
    python = str(peers_python) if tool.peer else sys.executable
    with tempfile.TemporaryDirectory() as scratch:
        command = [python, "-m", f"bench_accuracy.{tool.module}", _job(cell, store, scratch).to_json()]
        environment = os.environ | THREADS | {"PYTHONPATH": str(PACKAGES)}
        try:
            done = subprocess.run(
                command, cwd=scratch, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired:
            store.fail(cell, f"not done after {TIMEOUT_SECONDS} s")
            return
    if done.returncode != 0:
        store.fail(cell, _reason(done))


def _job(cell: Cell, store: Store, scratch: str) -> Job:
    entry = zoo_entry(cell.model)
    return Job(
        model=str(entry.model),
        calib=str(entry.calib),
        eval=str(entry.eval),
        **asdict(cell.widths),
        method=cell.method,
        out=str(store.result_file(cell)),
        scratch=scratch,
    )


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of a failed worker's traceback, shortened; its signal where it left none."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:ERROR_LENGTH] if lines else f"ended with status {done.returncode}"
