"""The picture of a front: loss over flash, as SVG; the numbers are those of the trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgeq.templating import templates_of

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 690, 60, 370
"""Pixels: the picture, and the axes in it."""

LEAST = 1e-9
"""Losses below this are drawn there: the axis is logarithmic."""


def plot_svg(report: Mapping[str, Any]) -> str:
    """The front of a search's report; the axis of the loss is logarithmic."""
    rows = report["front"]
    flash = [float(row["flash_bytes"]) for row in rows]
    losses = [float(np.log10(max(row["loss"], LEAST))) for row in rows]
    across, up = _scale(flash, LEFT, RIGHT), _scale(losses, BOTTOM, TOP)
    points = [
        {"x": across(x), "y": up(y), "number": row["number"], "best": row["number"] == report["best"]}
        for x, y, row in zip(flash, losses, rows, strict=True)
    ]
    return (
        templates_of("edgeq.tune")
        .get_template("front.svg.j2")
        .render(
            width=WIDTH,
            height=HEIGHT,
            left=LEFT,
            right=RIGHT,
            top=TOP,
            bottom=BOTTOM,
            title=f"{report['model']} on {report['target']}: {len(rows)} of {report['trials']['count']} trials",
            x_ticks=[{"at": across(x), "label": f"{x:,.0f}"} for x in _ends(flash)],
            y_ticks=[{"at": up(y), "label": f"{10**y:.2g}"} for y in _ends(losses)],
            points=points,
        )
    )


def _ends(values: Sequence[float]) -> list[float]:
    """The least and the greatest value: where the axis has numbers."""
    return sorted({min(values), max(values)}) if values else []


def _scale(values: Sequence[float], first: int, last: int) -> Callable[[float], float]:
    """Pixels of a value, from the least at `first` to the greatest at `last`."""
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    return lambda value: round(first + (last - first) * (value - low) / ((high - low) or 1.0), 1)
