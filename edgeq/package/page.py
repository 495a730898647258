"""report.html: what report.json holds, to look at. One file, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgeq.templating import templates_of

WIDTH, HEIGHT = 960, 280
"""Of the arena's picture, in pixels."""

FULL_DB = 60.0
"""SQNR at which a bar is full."""

GOLDEN = 0.618033988749895


def report_page(report: Mapping[str, Any]) -> str:
    """The page of a report (`edgeq.report.report.make_report`)."""
    page = templates_of("edgeq.package", html=True).get_template("report.html.j2")
    memory = report.get("memory")
    return page.render(
        report=report,
        bars=_memory_bars(memory) if memory else _fpga_bars(report["fpga"]),
        arena=_arena(memory["arena"], report["layers"]) if memory else None,
        layers=_layers(report["layers"]),
        score=_score(report["accuracy"]),
    )


def _score(accuracy: Mapping[str, Any] | None) -> dict[str, str] | None:
    """The metric of both models, as text."""
    if accuracy is None:
        return None
    form = "{:.1f} dB" if accuracy["metric"] == "sqnr" else "{:.2%}"
    texts = {kind: "" if accuracy[kind] is None else form.format(accuracy[kind]) for kind in ("float", "quantized")}
    return {"metric": accuracy["metric"], "samples": f"{accuracy['samples']:,}", **texts}


def _memory_bars(memory: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Flash and RAM by kind, as shares of their totals."""
    return [_bar(title, memory[kind]) for title, kind in (("Flash", "flash_bytes"), ("RAM", "ram_bytes"))]


def _bar(title: str, sizes: Mapping[str, int]) -> dict[str, Any]:
    total = sizes["total"]
    kinds = [(name, size) for name, size in sizes.items() if name != "total" and size]
    parts = [{"name": name, "text": f"{size:,}", "share": _share(size, total)} for name, size in kinds]
    return {"title": title, "text": f"{total:,} bytes", "parts": parts}


def _fpga_bars(estimate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a design takes of the device."""
    rows = [(title, estimate[kind]) for title, kind in (("DSP slices", "dsp"), ("Block RAMs of 18 Kbit", "bram18"))]
    return [
        {
            "title": title,
            "text": f"{row['used']:,} of {row['budget']:,}",
            "parts": [{"name": "used", "text": f"{row['used']:,}", "share": _share(row["used"], row["budget"])}],
        }
        for title, row in rows
    ]


def _arena(arena: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Rectangles: layers from left to right, addresses from bottom to top."""
    if not arena["bytes"]:
        return None
    step, scale = WIDTH / (len(layers) + 1), HEIGHT / arena["bytes"]
    rectangles = [
        {
            "title": f"{', '.join(block['names'])}: {block['size']:,} bytes at {block['offset']:,}",
            "x": round(block["first"] * step, 1),
            "y": round(HEIGHT - (block["offset"] + block["size"]) * scale, 1),
            "width": round((block["last"] - block["first"] + 1) * step, 1),
            "height": round(block["size"] * scale, 1),
            "hue": round(360 * (i * GOLDEN % 1)),
        }
        for i, block in enumerate(arena["blocks"])
    ]
    return {**arena, "width": WIDTH, "height": HEIGHT, "rectangles": rectangles}


def _layers(layers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the lengths of their bars in percent."""
    macs = sum(layer["macs"] for layer in layers)
    return [
        {
            **layer,
            "macs_share": _share(layer["macs"], macs),
            "sqnr_share": 0.0 if layer["sqnr_db"] is None else _share(layer["sqnr_db"], FULL_DB),
        }
        for layer in layers
    ]


def _share(value: float, whole: float) -> float:
    """Percent, within 0 and 100."""
    return round(min(max(100 * value / whole, 0.0), 100.0), 2) if whole and math.isfinite(value) else 0.0
