"""Each command hands its options to the verb behind it and shows what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgeq.config import Config
from edgeq.run.toolchain import missing_tools
from edgeq.targets.load import load_target

from .conftest import Call


def recorded(monkeypatch: pytest.MonkeyPatch, verb: str, result: object) -> list[tuple[Any, ...]]:
    """Replaces a verb by one that gives `result`; the list receives its arguments, without the progress."""
    calls: list[tuple[Any, ...]] = []

    def replacement(*args: Any) -> object:
        calls.append(args[:-1])
        return result

    monkeypatch.setattr(verb, replacement)
    return calls


@pytest.fixture
def quantized(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of `quantize_model`."""
    result = {"model": "q.onnx", "accuracy": None, "passes": [], "warnings": []}
    return recorded(monkeypatch, "edgeq.compiler.quantize_model", result)


def test_options_become_the_configuration(call: Call, monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    from edgeq.compiler import CompileResult

    calls = recorded(monkeypatch, "edgeq.compiler.compile_model", CompileResult(Path("out"), report))
    args = """compile m.onnx -t cortex-m0 -o out --name net --emit c --float-abi soft --io-layout nhwc
        --input-type uint8 --max-flash 256K --max-ram 1M --min-accuracy 0.85 --calib c.npz --eval e.npz
        --metric auc --dump-passes d --shape a=1,3,8,8 --shape b=x=2 --input-range -1,1 --seed 3"""
    result = call(*args.split())
    assert result.exit_code == 0
    assert calls == [
        (
            Path("m.onnx"),
            Config(
                target="cortex-m0",
                out=Path("out"),
                name="net",
                emit="c",
                float_abi="soft",
                io_layout="nhwc",
                input_type="uint8",
                max_flash=256 * 1024,
                max_ram=1024 * 1024,
                min_accuracy=0.85,
                calib=Path("c.npz"),
                eval=Path("e.npz"),
                metric="auc",
                dump_passes=Path("d"),
                shapes={"a": (1, 3, 8, 8), "b=x": (2,)},
                input_range=(-1.0, 1.0),
                seed=3,
            ),
        )
    ]


def test_quantize(call: Call, quantized: list[tuple[Any, ...]]) -> None:
    result = call("quantize", "m.onnx", "-o", "q.onnx", "--seed", 1)
    assert quantized == [(Path("m.onnx"), Path("q.onnx"), Config(seed=1))]
    assert "q.onnx" in result.stdout


def test_command_line_wins_over_the_file(call: Call, quantized: list[tuple[Any, ...]], tmp_path: Path) -> None:
    file = tmp_path / "edgeq.toml"
    file.write_text("seed = 5\nmetric = 'auc'\n[shapes]\na = [1, 2]\n")
    call("quantize", "m.onnx", "-o", "q.onnx", "--config", file, "--seed", 0)
    assert quantized[0][2] == Config(seed=0, metric="auc", shapes={"a": (1, 2)})


def test_wrong_file_is_wrong_usage(call: Call, quantized: list[tuple[Any, ...]], tmp_path: Path) -> None:
    file = tmp_path / "edgeq.toml"
    file.write_text("sede = 5")
    result = call("quantize", "m.onnx", "-o", "q.onnx", "--config", file)
    assert result.exit_code == 2
    assert "'sede'" in result.stderr
    assert str(file) in result.stderr
    assert not quantized


@pytest.mark.parametrize(
    "option",
    ["--max-flash=12Q", "--max-ram=-1", "--shape=a", "--shape=a=1,x", "--shape==1", "--input-range=1,1", "--seed=x"],
)
def test_wrong_values_are_wrong_usage(call: Call, option: str) -> None:
    result = call("compile", "m.onnx", option)
    assert result.exit_code == 2
    assert option.partition("=")[0] in result.stderr


def test_run(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"on": "qemu", "samples": 1200, "outputs": {"logits": [1200, 10]}}
    calls = recorded(monkeypatch, "edgeq.run.run.run_package", answer)
    result = call("run", "pkg", "--on", "qemu", "--inputs", "x.npz", "-o", "y.npz")
    assert calls == [(Path("pkg"), "qemu", Path("x.npz"), Path("y.npz"))]
    assert "1,200 samples on qemu" in result.stdout
    assert "1200x10" in result.stdout


def test_verify_equal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "equal": True,
        "samples": 20,
        "runners": ["interpreter", "host"],
        "device": "not run: this CPU lacks avx512_vnni",
        "cycles": 1234,
        "first_difference": None,
    }
    calls = recorded(monkeypatch, "edgeq.run.verify.verify_package", answer)
    result = call("verify", "pkg", "--samples", "20")
    assert calls == [(Path("pkg"), 20, None)]
    assert result.exit_code == 0
    assert "equal bytes on 20 samples: interpreter, host" in result.stdout
    assert "the target's own programs: not run: this CPU lacks avx512_vnni" in result.stdout
    assert "as simulated: 1,234" in result.stdout


@pytest.mark.parametrize("form", [[], ["--json"], ["--quiet"]])
def test_verify_different_is_exit_code_1(call: Call, monkeypatch: pytest.MonkeyPatch, form: list[str]) -> None:
    first = {"runner": "qemu", "sample": 3, "kernel": 7, "name": "conv_7"}
    runners = ["interpreter", "qemu"]
    answer = {"equal": False, "samples": 20, "runners": runners, "device": "a board", "cycles": None}
    answer["first_difference"] = first
    recorded(monkeypatch, "edgeq.run.verify.verify_package", answer)
    result = call("verify", "pkg", *form)
    assert result.exit_code == 1
    if form == ["--json"]:
        assert json.loads(result.stdout) == answer
    else:
        assert ("conv_7" in result.stdout) == (not form)


def test_bench(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "instructions": 4000,
        "kernels": [
            {"name": "conv", "op": "Conv2d", "instructions": 3000, "cycles": 4100, "macs": 1000},
            {"name": "softmax", "op": "Softmax", "instructions": 500, "cycles": 700, "macs": 0},
        ],
        "estimate": {"core": "Cortex-M4 of a chip", "cycles": 4800, "residual": 0.125},
        "flash_bytes": {"code": 100, "weights": 200, "constants": 30, "total": 330},
        "arena_bytes": 4096,
        "stack_bytes": 256,
    }
    calls = recorded(monkeypatch, "edgeq.run.bench.bench_package", answer)
    result = call("bench", "pkg")
    assert calls == [(Path("pkg"),)]
    for shown in ("75.0 %", "12.5 %", "4,000 instructions per inference", "Arena 4,096 bytes, stack 256 bytes"):
        assert shown in result.stdout
    assert "4,100" in result.stdout
    assert "About 4,800 cycles, 12.5% off published times at most: Cortex-M4 of a chip." in result.stdout


def test_bench_without_an_estimate(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = {"name": "conv", "op": "Conv2d", "instructions": 3000, "cycles": None, "macs": 1000}
    sizes = {"code": 100, "weights": 200, "constants": 30, "total": 330}
    answer = {"instructions": 4000, "kernels": [kernel], "estimate": None, "flash_bytes": sizes}
    recorded(monkeypatch, "edgeq.run.bench.bench_package", {**answer, "arena_bytes": 4096, "stack_bytes": 256})
    result = call("bench", "pkg")
    assert "4,000 instructions per inference" in result.stdout
    assert "ycles" not in result.stdout


def test_inspect_model(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"name": "n", "op": "Conv", "shape": (1, 3), "macs": 1234, "params": 5, "unsupported": None}
    answer = {
        "inputs": {"image": [1, 1, 8, 8]},
        "outputs": {},
        "nodes": [node, {**node, "op": "NonMaxSuppression", "shape": None, "unsupported": "no integer form"}],
        "macs": 2468,
        "params": 10,
    }
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("edgeq.report.inspect.inspect_model", lambda *args: calls.append(args) or answer)
    result = call("inspect", "m.onnx", "--shape", "image=1,1,8,8")
    assert calls == [(Path("m.onnx"), {"image": (1, 1, 8, 8)})]
    for shown in ("1x1x8x8", "1,234", "2 nodes, 2,468 MACs, 10 parameters", "no integer form"):
        assert shown in result.stdout


def test_inspect_package(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edgeq.report.inspect.inspect_package", lambda path: f"program {'of' * 100} [{path.name}]\n")
    assert f"program {'of' * 100} [{tmp_path.name}]" in call("inspect", tmp_path).stdout
    assert json.loads(call("inspect", tmp_path, "--json").stdout)["program"].startswith("program of")


def test_targets(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what verifies their packages here, and what would if it were installed."""
    absent = {"verilator", "qemu-x86_64", "aarch64-linux-gnu-gcc"}
    monkeypatch.setattr("edgeq.run.toolchain.missing_tools", lambda names: sorted(absent.intersection(names)))
    monkeypatch.setattr("edgeq.run.device.cpu_flags", lambda: frozenset(load_target("x86-64-avx2").linux.cpu_flags))
    listed = {target["name"]: target for target in json.loads(call("targets", "--json").stdout)["targets"]}
    assert listed["cortex-m4"]["aliases"] == ["cortex-m"]
    runs = {name: (target["runs"], target["missing"]) for name, target in listed.items()}
    assert runs["cortex-m4"] == (["qemu"], [])
    assert runs["cortex-a53"] == ([], ["aarch64-linux-gnu-gcc"])
    assert runs["x86-64-avx2"] == (["native"], [])
    assert runs["fpga-hls"] == (["csim"], [])
    assert runs["fpga-rtl"] == ([], ["verilator"])
    assert runs["host"] == (["host"], [])
    shown = call("targets").stdout
    assert all(word in shown for word in (*listed, "C simulation", "nothing without verilator"))


def test_tools_that_are_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_tools(["verilator", "newlib", "a-plug-ins-gcc"]) == ["verilator", "newlib", "a-plug-ins-gcc"]
    (tmp_path / "verilator").touch(mode=0o755)
    assert missing_tools(["verilator", "newlib"]) == ["newlib"]


def test_doctor(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeq.run.toolchain import ToolStatus

    tools = [
        ToolStatus("gcc", Path("/usr/bin/gcc"), "12.2", "building firmware", "apt install gcc"),
        ToolStatus("qemu", None, "", "emulation", "apt install qemu"),
    ]
    monkeypatch.setattr("edgeq.run.toolchain.doctor", lambda: tools)
    shown = call("doctor").stdout
    assert "/usr/bin/gcc" in shown
    assert "apt install gcc" not in shown
    assert "apt install qemu" in shown
    assert [tool["path"] for tool in json.loads(call("doctor", "--json").stdout)["tools"]] == ["/usr/bin/gcc", None]
