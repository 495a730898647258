"""Regret curves as a picture, in the environment of the peers: what to draw on standard input, the file as argument.

A panel is {"title": text, "levels": [losses], "curves": {strategy: [least loss after trial 1, 2, ...]}}.
"""

from __future__ import annotations

import json
import sys

from matplotlib import pyplot as plt

COLUMNS = 3


def main(out: str) -> None:
    plt.rcParams["svg.hashsalt"] = "edgeq"  # the same picture from the same numbers
    panels = json.load(sys.stdin)
    rows = -(-len(panels) // COLUMNS)
    names = dict.fromkeys(name for panel in panels for name in panel["curves"])
    colours = {name: f"C{i}" for i, name in enumerate(names)}
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(4 * COLUMNS, 3 * rows), squeeze=False, layout="constrained")
    for panel, axis in zip(panels, axes.flat, strict=False):
        for name, losses in panel["curves"].items():
            axis.plot(range(1, len(losses) + 1), losses, color=colours[name], label=name, drawstyle="steps-post")
        for level in panel["levels"]:
            axis.axhline(level, color="grey", linewidth=0.7, linestyle=":")
        axis.set(title=panel["title"], xscale="log", yscale="log", xlabel="trials", ylabel="least loss (median)")
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    axes[0][0].legend()
    figure.savefig(out, metadata={"Date": None})


main(sys.argv[1])
