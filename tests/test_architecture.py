"""The shape of the source: imports run one way, start-up stays light, files and functions stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).resolve().parent.parent

# A room may import itself, its own level and those above it in this list.
LEVELS = (
    ("edgeq.errors",),
    (
        "edgeq.config",
        "edgeq.config_values",
        "edgeq.pipeline",
        "edgeq.progress",
        "edgeq.targets.families",
        "edgeq.targets.target",
        "edgeq.targets.load",
        "edgeq.templating",
        "edgeq.version",
    ),
    ("edgeq.search",),
    ("edgeq.quant",),
    ("edgeq.program",),
    ("edgeq.frontend", "edgeq.calibrate", "edgeq.passes", "edgeq.reconstruct"),
    ("edgeq.cycles",),
    ("edgeq.lower",),
    ("edgeq.targets",),
    ("edgeq.cost", "edgeq.package"),
    ("edgeq.fpga",),
    ("edgeq.hls", "edgeq.rtl"),
    ("edgeq.run", "edgeq.report"),
    ("edgeq.evaluate", "edgeq.quantizer"),
    ("edgeq.fitting", "edgeq.measure"),
    ("edgeq.fpga_compiler",),
    ("edgeq.tune",),
    ("edgeq.compiler", "edgeq.debugger"),
    ("edgeq.api", "edgeq.cli"),
    ("edgeq", "edgeq.__main__"),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
HEAVY = {
    "dask",
    "distributed",
    "joblib",
    "networkx",
    "onnx",
    "onnx_ir",
    "onnxruntime",
    "onnxscript",
    "scipy",
    "sqlalchemy",
    "tvm",
    "xgboost",
}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def module_name(path: Path) -> str:
    """The name under which a source file of the package is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "edgeq" else ("edgeq", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path for folder in ("edgeq", "passes", "targets") for path in (ROOT / folder).rglob("*.py")
}
PYTHON = [*SOURCES.values(), *(ROOT / "tests").rglob("*.py")]


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, anywhere in it; for `from a import b`, `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imported_modules(name: str) -> Iterator[str]:
    """Modules of the package that one of its modules imports."""
    for imported in imported_names(SOURCES[name]):
        assert not imported.startswith("."), f"{name} has a relative import"
        target = imported if imported in SOURCES else imported.rpartition(".")[0]
        if target in SOURCES and target != name:
            yield target


def room(module: str) -> str:
    """The longest listed prefix of a module's name."""
    while module not in LEVEL:
        module = module.rpartition(".")[0]
    return module


IMPORTS = [(name, imported) for name in SOURCES for imported in imported_modules(name)]


def test_every_module_belongs_to_a_room() -> None:
    stray = [name for name in SOURCES if room(name) == "edgeq" and name != "edgeq"]
    assert not stray, "put these into LEVELS"


def test_imports_run_one_way() -> None:
    upward = [f"{name} imports {other}" for name, other in IMPORTS if LEVEL[room(name)] < LEVEL[room(other)]]
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize("grain", [room, str], ids=["rooms", "modules"])
def test_no_import_cycle(grain: Callable[[str], str]) -> None:
    graph = networkx.DiGraph((grain(name), grain(other)) for name, other in IMPORTS)
    graph.remove_edges_from(list(networkx.selfloop_edges(graph)))
    assert not [group for group in networkx.strongly_connected_components(graph) if len(group) > 1]


@pytest.mark.parametrize(
    "start", ["import edgeq", "from edgeq.cli import main; main(['--help'], standalone_mode=False)"]
)
def test_start_up_loads_nothing_heavy(start: str) -> None:
    code = f"{start}; import sys; print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    assert "edgeq" in loaded
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_readable(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    assert not [f.name for f in functions if f.end_lineno - f.lineno >= MAX_FUNCTION_LINES]


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_top_level_folders_are_imported_through_edgeq(path: Path) -> None:
    """`import passes` would load a second copy of `edgeq.passes`."""
    assert not {name.partition(".")[0] for name in imported_names(path)} & {"passes", "targets"}
