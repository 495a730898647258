from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from edgeq.errors import UsageError
from edgeq.run.counters import COUNTERS
from edgeq.run.firmware import BOARD
from edgeq.run.toolchain import TOOLS
from edgeq.targets.families import HERE
from edgeq.targets.load import all_targets, load_target, read_target
from edgeq.targets.target import Emulator, Fpga, Linux, Sections, Target

BOARDS = HERE / "boards"

EMULATED = [target for target in all_targets() if target.emulator is not None]
LINUX = [target for target in all_targets() if target.linux is not None]


def test_every_board_file_is_a_target() -> None:
    assert {target.name for target in all_targets()} == {path.stem for path in BOARDS.glob("*.toml")}
    cortex_m = {f"cortex-m{core}" for core in ("0", "0plus", "3", "4", "7", "33", "55", "85")}
    assert cortex_m | {"rv32imc", "host"} <= {target.name for target in all_targets()}


def test_an_alias_is_the_target_itself() -> None:
    assert load_target("cortex-m") is load_target("cortex-m4")


def test_names_and_aliases_are_unique() -> None:
    names = [name for target in all_targets() for name in (target.name, *target.aliases)]
    assert len(names) == len(set(names))


def test_features_tell_the_cores_apart() -> None:
    assert "dsp" in load_target("cortex-m4").features
    assert not load_target("cortex-m0").features
    assert load_target("cortex-m4").float_abis == ("hard", "soft")
    assert {target.name for target in all_targets() if "mve" in target.features} == {"cortex-m55", "cortex-m85"}


@pytest.mark.parametrize(("name", "core"), [("cortex-m0plus", "M3"), ("cortex-m0", "M3"), ("cortex-m85", "M55")])
def test_a_target_without_a_board_of_its_own_says_so(name: str, core: str) -> None:
    assert load_target(name).emulator.core == f"Cortex-{core}"


def test_an_unknown_target_names_the_nearest_and_lists_all() -> None:
    with pytest.raises(UsageError, match="rv32imc") as caught:
        load_target("cortexm4")
    assert caught.value.fix == "--target cortex-m4"
    assert all(target.name in str(caught.value) for target in all_targets())


@pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)
def test_what_an_emulated_target_names_exists(target) -> None:
    assert {target.gcc, target.libc, target.emulator.command[0]} <= {tool.name for tool in TOOLS}
    assert (BOARD / f"{target.emulator.startup}.c").is_file()
    assert (BOARD / f"{target.emulator.counter}.c").is_file()
    assert target.emulator.counter in COUNTERS


@pytest.mark.parametrize("target", LINUX, ids=lambda target: target.name)
def test_what_a_linux_target_names_exists(target) -> None:
    assert {target.gcc, target.libc, *target.linux.emulator[:1]} <= {tool.name for tool in TOOLS}
    assert target.linux.emulator or target.linux.cpu_flags


GOOD = (BOARDS / "cortex-m4.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('cpu = "cortex-m4"\n', "", "key 'cpu' is missing"),
        ('cpu = "cortex-m4"', "cpu = 4", "key 'cpu' must be a string, not 4"),
        ('cpu = "cortex-m4"', 'cpu = "m"\ncpus = "m"', "unknown key 'cpus'"),
        ('["cortex-m"]', '"cortex-m"', "key 'aliases' must be a list of strings, not 'cortex-m'"),
        ('["cortex-m"]', "[1]", r"key 'aliases' must be a list of strings, not \[1\]"),
        ("[emulator]", "[linux]\nemulator = 1\n[emulator]", "key 'linux.emulator' must be a list of strings, not 1"),
        ("ram = { origin = 0x20000000,", "ram = {", r"key 'emulator.ram.origin' is missing"),
        ("length = 0x400000 }", "length = true }", "key 'emulator.flash.length' must be an integer, not True"),
        (
            "flash = { origin = 0x00000000, length = 0x400000 }",
            "flash = 4",
            "key 'emulator.flash' must be a table, not 4",
        ),
        ('startup = "arm_m"', 'start = "arm_m"', "unknown key 'emulator.start'"),
        ("aliases", 'name = "m4"\naliases', "unknown key 'name'"),
        ('cpu = "cortex-m4"', "cpu = ", "not valid TOML"),
        ('family = "dsp"', 'family = "dps"', "key 'family': there is no kernel family 'dps'; known are base, dsp"),
        ('["dsp",', '["dps",', "key 'features': there is no feature 'dps'; known are avx2, divide, dotprod, dsp"),
        ('["hard",', '["hart",', "key 'float_abis' must be a list, each one of 'hard', 'soft', not .*'hart'"),
        ('startup = "arm_m"', 'startup = "arm"', "key 'emulator.startup' must be one of 'arm_m', 'riscv', not 'arm'"),
        ('libc = "newlib"', 'libc = "musl"', "key 'libc' must be one of .*'newlib', 'picolibc'.*, not 'musl'"),
    ],
)
def test_a_wrong_board_file_is_reported_by_file_and_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    path = tmp_path / "odd.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(UsageError, match=complaint) as caught:
        read_target(path)
    assert caught.value.file == str(path)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("triple", "a string"),
        ("flash", "a table"),
        ("command", "a list of strings"),
        ("startup", "one of 'arm_m', 'riscv'"),
    ],
)
def test_a_missing_key_says_what_it_must_be(tmp_path: Path, line: str, expected: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text("".join(text for text in GOOD.splitlines(True) if not text.startswith(line)))
    with pytest.raises(UsageError, match=f"{line}' is missing") as caught:
        read_target(path)
    assert caught.value.fix == f"it must be {expected}"


def test_a_new_board_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    assert read_target(tmp_path / "mine.toml").name == "mine"


def test_every_key_of_a_board_file_is_explained(repo_root: Path) -> None:
    text = (repo_root / "CONTRIBUTING.md").read_text()
    explained = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| .*`.* \|$", text, re.MULTILINE))))
    tables = {"emulator": Emulator, "linux": Linux, "fpga": Fpga, "sections": Sections}
    keys = {field.name for field in fields(Target)} - {"name", *tables}
    assert keys | {field.name for table in tables.values() for field in fields(table)} <= explained
