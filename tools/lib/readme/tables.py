"""What each table of the README shows of which CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from bench_accuracy.markdown import markdown as accuracy_markdown
from bench_targets.table import devices, processors

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
GLANCE = ("resnet8", "dscnn", "vww", "autoencoder")
NO_CLASSES = ("autoencoder",)
FPGA_MHZ = 100
"""The clock that designs are made for."""

PUBLISHED = {
    "resnet8": "hls4ml, another ResNet: 27.3 ms; FINN CNV-W1A1: 1.51 ms",
    "dscnn": "FINN KWS, 3 bits: 17.5 us",
    "autoencoder": "hls4ml AD: 18.7 us",
}
"""Times of MLPerf Tiny v0.7 (open division, PYNQ-Z2), one inference."""

Row = Mapping[str, str]
Columns = Mapping[str, Callable[[Row], str]]


def read(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file; lines that begin with # say what made it."""
    with (BENCHMARKS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def markdown(rows: Iterable[Row], columns: Columns) -> str:
    """A table with a heading per column."""
    lines = [list(columns), ["---"] * len(columns), *([cell(row) for cell in columns.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(name: str) -> Callable[[Row], str]:
    """A field as it stands."""
    return lambda row: row[name]


def count(name: str) -> Callable[[Row], str]:
    """A whole number, with separators; empty where there is none."""
    return lambda row: f"{int(row[name]):,}" if row[name] else ""


def _percent(share: str) -> str:
    return f"{float(share):.2%}".replace("%", " %") if share else ""


def _answers(row: Row) -> str:
    return _percent(row["quantized"]) if row["metric"] == "top1" else f"{row['sqnr_db']} dB"


def _float(row: Row) -> str:
    return _percent(row["float"]) if row["metric"] == "top1" else ""


def glance() -> str:
    """The benchmark's four networks on one board."""
    kernels = {(row["target"], row["weight_bits"], row["model"]): row for row in read("cortex_m.csv")}
    networks = {row["model"]: row for row in read("zoo.csv")}
    rows = [{**networks[name], **kernels["cortex-m4", "8", name]} for name in GLANCE]
    columns: Columns = {
        "model": text("model"),
        "float": _float,
        "int8, on the device": _answers,
        "flash": count("flash"),
        "RAM": count("ram"),
        "instructions": count("instructions"),
        "instructions, to CMSIS-NN": text("instructions_ratio"),
        "RAM, to CMSIS-NN": text("ram_ratio"),
    }
    return markdown(rows, columns)


def zoo() -> str:
    """Every model on one board."""
    columns: Columns = {
        "model": text("model"),
        "samples": text("samples"),
        "float": _float,
        "integer program": _answers,
        "agreement": lambda row: "" if row["model"] in NO_CLASSES else _percent(row["agreement"]),
        "largest step off onnxruntime": text("onnxruntime_max_steps"),
        "flash": count("flash_bytes"),
        "RAM": count("ram_bytes"),
        "instructions": count("instructions"),
    }
    return markdown(read("zoo.csv"), columns)


def cortex_m() -> str:
    """Kernels beside the strongest library."""
    columns: Columns = {
        "target": text("target"),
        "weights": lambda row: f"{row['weight_bits']} bits",
        "model": text("model"),
        "instructions": count("instructions"),
        "per MAC": text("per_mac"),
        "cycles (estimated)": count("cycles"),
        "flash": count("flash"),
        "RAM": count("ram"),
        "instructions, to CMSIS-NN": text("instructions_ratio"),
        "flash, to CMSIS-NN": text("flash_ratio"),
        "RAM, to CMSIS-NN": text("ram_ratio"),
    }
    return markdown(read("cortex_m.csv"), columns)


def host() -> str:
    """The host's kernels beside onnxruntime's, by instruction set."""
    timed = {(row["target"], row["model"]): row for row in read("host.csv")}
    columns: Columns = {"model": text("model")}
    for target, short in (("x86-64-avx2", "AVX2"), ("x86-64-vnni", "VNNI")):
        for name, key in (("edgeq, us", "edgeq_us"), ("onnxruntime, us", "onnxruntime_us"), ("ratio", "ratio")):
            columns = {**columns, f"{short}: {name}": _timed(timed, target, key)}
    return markdown(({"model": model} for model in dict.fromkeys(model for _, model in timed)), columns)


def _timed(rows: Mapping[tuple[str, str], Row], target: str, key: str) -> Callable[[Row], str]:
    """A figure of a model on a target; empty where it was not run."""
    return lambda row: rows.get((target, row["model"]), {}).get(key, "")


def targets() -> str:
    """Every model on every processor."""
    return processors(read("targets.csv"))


def fpga() -> str:
    """Every model as designs for an FPGA."""
    return devices(read("targets.csv"))


def pynq() -> str:
    """Designs for a PYNQ-Z2 beside published ones."""
    clock = 1e6 * FPGA_MHZ
    columns: Columns = {
        "model": text("model"),
        "kind": text("target"),
        "inferences per second": lambda row: f"{clock / int(row['cycles']):,.0f}",
        "every": lambda row: f"{1e6 * int(row['cycles']) / clock:,.1f} us",
        "DSP": text("dsp"),
        "BRAM18": text("bram18"),
        "published": lambda row: PUBLISHED[row["model"]],
    }
    rows = [row for row in read("targets.csv") if "fpga" in row["target"] and row["model"] in PUBLISHED]
    return markdown(sorted(rows, key=lambda row: list(PUBLISHED).index(row["model"])), columns)


def accuracy() -> str:
    """Presets beside other quantizers."""
    return accuracy_markdown(read("accuracy.csv"), read("accuracy_pairs.csv"))


def transformers() -> str:
    """What each pass gives transformers, and what int8 costs recurrent networks."""
    rows = read("transformers.csv")
    cells = {
        (row["model"], row["widths"], row["passes"]): f"{_percent(row['top1'])}, {row['sqnr_db']} dB" for row in rows
    }
    networks = {(row["model"], row["widths"]): row for row in rows}.values()
    columns: Columns = {"model": text("model"), "widths": text("widths"), "float": lambda row: _percent(row["float"])}
    variants = dict.fromkeys(row["passes"] for row in rows)
    shown = {name: partial(_variant, cells, name) for name in variants}
    return markdown(networks, {**columns, **shown})


def _variant(cells: Mapping[tuple[str, str, str], str], name: str, row: Row) -> str:
    return cells.get((row["model"], row["widths"], name), "")


def synthetic() -> str:
    """Accuracy on samples distilled from noise and by a generator, beside real and random ones."""
    rows = read("synthetic.csv")
    networks = {(row["model"], row["widths"]): row for row in rows}.values()
    columns: Columns = {"model": text("model"), "widths": text("widths"), "float": lambda row: _percent(row["float"])}
    shown = {
        f"{source} samples": partial(_of_seeds, rows, source) for source in ("real", "synthetic", "genie", "random")
    }
    return markdown(networks, {**columns, **shown})


def _of_seeds(rows: Iterable[Row], source: str, network: Row) -> str:
    wanted = (network["model"], network["widths"], source)
    found = [r for r in rows if (r["model"], r["widths"], r["samples"]) == wanted]
    return ", ".join(f"{_percent(r['top1'])} ({float(r['sqnr_db']):.1f} dB)" for r in found)


def mixed() -> str:
    """Widths that were searched for, beside 8 bits."""
    figures: Columns = {
        "float": lambda row: _percent(row["float"]),
        "top-1": lambda row: _percent(row["top1"]),
        "weight bytes": count("weights"),
        "flash": count("flash"),
        "instructions": count("instructions"),
        "cycles (estimated)": count("cycles"),
    }
    named: Columns = {"model": text("model"), "weights": text("widths"), "trials": text("trials")}
    return markdown(read("mixed.csv"), {**named, **figures})


TABLES: Mapping[str, Callable[[], str]] = {
    "glance": glance,
    "zoo": zoo,
    "cortex_m": cortex_m,
    "host": host,
    "targets": targets,
    "fpga": fpga,
    "pynq": pynq,
    "accuracy": accuracy,
    "transformers": transformers,
    "synthetic": synthetic,
    "mixed": mixed,
}
