"""The README's compact table, from the two CSV files."""

from __future__ import annotations

import csv
from pathlib import Path

from bench_accuracy.cells import CONFIGS, MODELS, TOOLS

Row = dict[str, str]
PRESETS = TOOLS["edgeq"].methods
SIGNIFICANT = 0.05


def read_csv(file: Path) -> list[Row]:
    """Rows of a file that `write_csv` wrote; none where there is no file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def markdown(runs: list[Row], pairs: list[Row]) -> str:
    """One line per model and configuration: float, the best peer, edgeq's presets.

    Top-1 in percent, or output SQNR in dB where the data have no labels. `+` and `-` tell that edgeq is better or worse
    than the best peer with p < 0.05 (McNemar), or without labels by SQNR.
    """
    header = ["model", "config", "float", "best peer", *PRESETS]
    lines = [_line(header), _line(["---"] * len(header))]
    for model in MODELS:
        for config in CONFIGS:
            chosen = [row for row in runs if (row["model"], row["config"]) == (model, config) and not row["error"]]
            if chosen:
                lines.append(_line(_cells(model, config, chosen, pairs)))
    return "\n".join(lines)


def best_peer(rows: list[Row]) -> Row | None:
    """The peer's run with the highest top-1, then SQNR."""
    return max((row for row in rows if row["tool"] != "edgeq"), key=_quality, default=None)


def _quality(row: Row) -> tuple[float, float]:
    return float(row["top1"] or 0), float(row["sqnr_db"])


def _cells(model: str, config: str, rows: list[Row], pairs: list[Row]) -> list[str]:
    best = best_peer(rows)
    ours = {row["method"]: row for row in rows if row["tool"] == "edgeq"}
    peer = "" if best is None else f"{_score(best)} {best['tool']} {best['method']}"
    presets = [_score(ours[name]) + _mark(ours[name], best, pairs) if name in ours else "" for name in PRESETS]
    return [model, config, rows[0]["float_top1"], peer, *presets]


def _score(row: Row) -> str:
    return row["top1"] or f"{float(row['sqnr_db']):.1f} dB"


def _mark(row: Row, peer: Row | None, pairs: list[Row]) -> str:
    """How the pair of the two runs was decided: " +", " -" or nothing."""
    if peer is None:
        return ""
    wanted = (row["model"], row["config"], row["method"], peer["tool"], peer["method"])
    for pair in pairs:
        if (pair["model"], pair["config"], pair["method"], pair["peer"], pair["peer_method"]) == wanted:
            undecided = bool(pair["p"]) and float(pair["p"]) >= SIGNIFICANT
            gain = int(pair["won"]) - int(pair["lost"]) if pair["p"] else float(pair["sqnr_gain_db"])
            return "" if undecided or not gain else " +" if gain > 0 else " -"
    return ""


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
