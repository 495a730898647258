"""Cycles of a window when nobody makes it wait: rows in, rows swept, rows freed."""

from __future__ import annotations

from math import gcd

from edgeq.rtl.window import Window

IMAGES = 3
"""So many are followed: the first fills the memory, and from the second on all are alike."""


def window_cycles(engine: Window) -> tuple[int, int]:
    """From one inference to the next, and of the first one.

    A row is loaded once the ring has room, and swept once its window is complete.
    """
    shape = engine.shape
    load, sweep = _load(engine), _sweep(engine)
    loaded: list[int] = []
    freed = [0] * engine.ring
    end, ends = 0, []
    for _ in range(IMAGES):
        base = len(freed) - engine.ring
        for y in range(shape.out_height):
            first, until, keep = window_rows(engine, y)
            while len(loaded) < base + until:
                loaded.append(max(loaded[-1] if loaded else 0, freed[len(loaded)]) + load)
            end = max(end, loaded[base + until - 1] if until > first else 0) + sweep
            freed += [end] * (keep - first)
        ends.append(end)
    return ends[-1] - ends[-2], ends[0]


def window_rows(engine: Window, y: int) -> tuple[int, int, int]:
    """Of output row `y`: the first input row that it holds, the one behind the last, and the first that it keeps."""
    shape = engine.shape

    def inside(row: int) -> int:
        return min(max(row, 0), shape.height)

    top = y * shape.strides[0] - shape.top
    last = y == shape.out_height - 1
    until = shape.height if last else inside(top + shape.span)
    return inside(top), until, shape.height if last else inside(top + shape.strides[0])


def _load(engine: Window) -> int:
    """Cycles of an input row: words come in parts that divide those of the stream and those of the memory."""
    parts = engine.lanes // gcd(engine.stage.inputs[0].lanes, engine.lanes)
    return engine.shape.width * engine.words * parts


def _sweep(engine: Window) -> int:
    """Cycles of an output row: the sums of a fold leave one by one, while the next ones are made."""
    return engine.shape.out_width * engine.folds * max(engine.steps, engine.fold.outputs)
