"""What the benchmark runs: models, configurations, tools and their methods."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

MODELS = (
    "resnet8",
    "dscnn",
    "mnist_mbv2_torch",
    "resnet_large",
    "mnist_cntk",
    "autoencoder",
    "vww",
    "sww",
    "resnet8_nchw_bn",
    "dscnn_nchw_bn",
    "vww_nchw_bn",
)
DATA_OF = {"resnet_large": "resnet8"}
"""Models without data of their own, and whose they use."""


@dataclass(frozen=True)
class Widths:
    """Bits of weights and activations; network input, logits and output have 8 wherever a tool can keep them so."""

    weight_bits: int
    activation_bits: int
    per_channel: bool = True


CONFIGS = {
    "int8_channel": Widths(8, 8),
    "int8_tensor": Widths(8, 8, per_channel=False),
    "w4a8": Widths(4, 8),
    "w4a4": Widths(4, 4),
    "w2a8": Widths(2, 8),
}


@dataclass(frozen=True)
class Tool:
    """A quantizer and its methods.

    Attributes:
        module: The worker, `python -m bench_accuracy.MODULE`.
        methods: In the order in which they run, lightest first.
        small_models_only: Methods whose optimization takes many minutes on resnet_large.
        peer: It runs in the benchmark's own virtual environment.
    """

    module: str
    methods: tuple[str, ...]
    small_models_only: frozenset[str] = field(default_factory=frozenset)
    peer: bool = True


TOOLS = {
    "float": Tool("run_float", ("float",), peer=False),
    "onnxruntime": Tool("run_onnxruntime", ("minmax", "entropy", "percentile")),
    "esp-ppq": Tool("run_ppq", ("base", "cle_bc", "lsq"), frozenset({"lsq"})),
    "aimet-onnx": Tool("run_aimet", ("base", "cle", "seqmse", "adaround"), frozenset({"adaround"})),
    "edgeq": Tool("run_edgeq", ("naive", "fast", "balanced", "best"), peer=False),
}
FLOAT_CONFIG = "float"


@dataclass(frozen=True, order=True)
class Cell:
    """One run: a model, a configuration, a tool and its method."""

    model: str
    config: str
    tool: str
    method: str

    @property
    def key(self) -> str:
        """Name of the files that keep the run."""
        return f"{self.model}.{self.config}.{self.tool}.{self.method}"

    @property
    def widths(self) -> Widths:
        """Of the float run: those of int8, which it does not read."""
        return CONFIGS.get(self.config, Widths(8, 8))


@dataclass(frozen=True)
class Selection:
    """Which cells to run; an empty collection stands for all."""

    models: Collection[str] = ()
    configs: Collection[str] = ()
    tools: Collection[str] = ()
    methods: Collection[str] = ()

    def __contains__(self, cell: Cell) -> bool:
        asked = (
            (self.models, cell.model),
            (self.configs, cell.config),
            (self.tools, cell.tool),
            (self.methods, cell.method),
        )
        return all(not wanted or value in wanted for wanted, value in asked)


def float_cell(model: str) -> Cell:
    """The run that all others of a model are compared with."""
    return Cell(model, FLOAT_CONFIG, "float", "float")


def all_cells() -> Iterator[Cell]:
    """Every run but those of the float models: per tool and method, so that light methods come first."""
    for tool_name, tool in TOOLS.items():
        for method in tool.methods if tool_name != "float" else ():
            for model in MODELS:
                if not (model == "resnet_large" and method in tool.small_models_only):
                    yield from (Cell(model, config, tool_name, method) for config in CONFIGS)
