"""Which grid wins, as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from bench_grids.measure import WIDTHS, Row
from edgeq.quant.grids import FAMILIES

TEXT = """\
# Grids of weights at equal bits

Made by `tools/bench_grids` from the rows of grids.csv. Weights alone are on the grid, simulated in float ONNX: one
scale per output channel, of least square error for each grid; biases and activations stay float, and no method moves
roundings to make up for each other. `integer` is what edgeq's kernels take; `log2` 0 and powers of two, `log2x2` sums
of two of them; `power` the integers raised to a power (NUPES), one exponent per layer; `minifloat` a sign, exponent and
mantissa, the best split per layer, and `e4m3` etc. the same split for all. Cells are dB of signal to noise at the
outputs (behind a softmax, where a model ends in one) over the first 500 evaluation samples; the winning family is bold,
of equals the cheapest: at 2 bits all but `integer` are -1, 0 and 1 times a scale, at 3 bits `e2m0` is `log2`.

"""


def report(rows: Sequence[Row]) -> str:
    """The winners, then every family and the best single split for each model and width."""
    return f"{TEXT}{winners(rows)}\n\n## Each family\n\n{families(rows)}\n"


def winners(rows: Sequence[Row]) -> str:
    """A line for each model: at each width the best family, and its lead over integers."""
    lines = [["model", *(f"{bits} bits" for bits in WIDTHS)], ["---"] * (1 + len(WIDTHS))]
    for model in dict.fromkeys(row["model"] for row in rows):
        lines.append([model, *(_winner(_found(rows, model, bits)) for bits in WIDTHS)])
    return _markdown(lines)


def families(rows: Sequence[Row]) -> str:
    """A line for each model and width."""
    lines = [["model", "bits", *FAMILIES, "best single split"], ["---"] * (3 + len(FAMILIES))]
    for model in dict.fromkeys(row["model"] for row in rows):
        for bits in WIDTHS:
            found = _found(rows, model, bits)
            best = _best(found)
            cells = [f"**{found[name]:.1f}**" if name == best else f"{found[name]:.1f}" for name in FAMILIES]
            split = max((name for name in found if name not in FAMILIES), key=found.__getitem__)
            lines.append([model, str(bits), *cells, f"{split} {found[split]:.1f}"])
    return _markdown(lines)


def _found(rows: Sequence[Row], model: str, bits: int) -> dict[str, float]:
    """SQNR by grid."""
    return {row["grid"]: float(row["sqnr_db"]) for row in rows if (row["model"], row["bits"]) == (model, str(bits))}


def _best(found: dict[str, float]) -> str:
    return max(FAMILIES, key=lambda name: found[name])


def _winner(found: dict[str, float]) -> str:
    best = _best(found)
    lead = found[best] - found["integer"]
    return f"{best} +{lead:.1f} dB" if lead > 0 else best


def _markdown(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
