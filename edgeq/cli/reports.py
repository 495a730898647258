"""Tables of what a report holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from edgeq.cli.tables import Cell, bar, line, percent, table

SHOWN_LAYERS = 5
"""So many of the most costly layers, and so many of the least exact, are shown."""


def accuracy_table(report: Mapping[str, Any]) -> Iterable[Group]:
    """Float against quantized; nothing where there was no evaluation data."""
    accuracy = report.get("accuracy")
    if accuracy is None:
        return
    shown = _decibel if accuracy["metric"] == "sqnr" else _percent
    yield table(
        f"Accuracy on {accuracy['samples']:,} samples",
        ("metric", ">float", ">quantized"),
        [(accuracy["metric"], shown(accuracy["float"]), shown(accuracy["quantized"]))],
    )


def memory_table(title: str, sizes: Mapping[str, int], budget: int | None) -> Group:
    """Bytes by kind, with bars: the share of the budget, or of the total where there is no budget."""
    whole = budget or sizes["total"]
    rows = [(kind, size, percent(size, whole), bar(size, whole)) for kind, size in sizes.items()]
    return table(f"{title} (share of {f'{budget:,} bytes' if budget else 'total'})", _MEMORY_COLUMNS, rows)


def layers_table(layers: Sequence[Mapping[str, Any]]) -> Group:
    """The layers that cost most and those that lost most, in the model's order."""
    chosen = _chosen(layers)
    title = f"Layers ({len(chosen)} of {len(layers)}: most MACs, lowest SQNR)"
    macs = sum(layer["macs"] for layer in layers)
    return table(title, _LAYER_COLUMNS, (_layer_row(layers[i], macs) for i in chosen))


def fpga_tables(estimate: Mapping[str, Any]) -> Iterable[Group | Text]:
    """What a design takes of the device and how fast it is, and its slowest stages."""
    used = [(label, estimate[kind]["used"], estimate[kind]["budget"]) for label, kind in _FPGA_RESOURCES]
    rows = [(label, n, budget, percent(n, budget), bar(n, budget)) for label, n, budget in used]
    yield table(f"Device ({estimate['method']})", ("resource", ">used", ">budget", ">share", ""), rows)
    if "lut" in estimate:
        yield line(f"About {estimate['lut']:,} look-up tables and {estimate['ff']:,} flip-flops.")
    stages = sorted(estimate["stages"], key=lambda stage: -stage["cycles"])[:SHOWN_LAYERS]
    title = (
        f"{estimate['inferences_per_second']:,} inferences per second at {estimate['clock_mhz']} MHz: slowest stages"
    )
    yield table(
        title, ("layers", ">cycles", ">DSP", ">BRAM18", ""), (_stage_row(s, estimate["interval"]) for s in stages)
    )


def _stage_row(stage: Mapping[str, Any], slowest: int) -> Sequence[Cell]:
    cycles = stage["cycles"]
    return ", ".join(stage["layers"]), cycles, stage["dsp"], stage["bram18"], bar(cycles, slowest)


def exactness(report: Mapping[str, Any]) -> Iterable[Text]:
    """How close the planner and the kernels come to what can be had."""
    reference = report["onnxruntime"]
    if "memory" in report:
        arena = report["memory"]["arena"]
        yield line(f"Arena: {arena['ratio']:.3f} x the lower bound of {arena['lower_bound']:,} bytes.")
    yield line(
        f"Kernels against onnxruntime: {100 * reference['share']:.3f} % of values differ, "
        f"by at most {reference['max_steps']} LSB."
    )


_FPGA_RESOURCES = (("DSP slices", "dsp"), ("block RAMs (18 Kbit)", "bram18"))
_MEMORY_COLUMNS = ("kind", ">bytes", ">share", "")
_LAYER_COLUMNS = ("layer", "operator", ">MACs", ">share", ">W/A bits", ">SQNR dB")


def _layer_row(layer: Mapping[str, Any], macs: int) -> Sequence[Cell]:
    share = percent(layer["macs"], macs)
    bits = f"{layer['weight_bits'] or '-'}/{layer['activation_bits']}"
    return layer["name"], layer["op"], layer["macs"], share, bits, layer["sqnr_db"]


def _chosen(layers: Sequence[Mapping[str, Any]]) -> list[int]:
    """Indices of the layers to show, in order; a layer without SQNR lost nothing that is known."""
    indices = range(len(layers))
    costly = sorted(indices, key=lambda i: -layers[i]["macs"])[:SHOWN_LAYERS]
    known = [i for i in indices if layers[i]["sqnr_db"] is not None]
    inexact = sorted(known, key=lambda i: layers[i]["sqnr_db"])[:SHOWN_LAYERS]
    return sorted({*costly, *inexact})


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.2f} %"


def _decibel(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f} dB"
