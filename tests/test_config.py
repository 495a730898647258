"""Configuration: what files and overrides mean, and what is said about wrong ones."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import edgeq.config
from edgeq import config_values as values
from edgeq.config import KINDS, SYNTHETIC, Config, load_config
from edgeq.errors import UsageError


@pytest.fixture
def toml(tmp_path: Path) -> Any:
    """Loads a file of this content."""

    def load(content: str, **overrides: object) -> Config:
        file = tmp_path / "edgeq.toml"
        file.write_text(content)
        return load_config(file, overrides)

    return load


def test_nothing_given_is_the_default() -> None:
    assert load_config(None, {"seed": None, "calib": None}) == Config()


def test_every_field_has_its_kind() -> None:
    assert list(KINDS) == [field.name for field in fields(Config)]
    hints = get_type_hints(Config, {**vars(edgeq.config), "np": np})
    for name, kind in KINDS.items():
        literal = [h for h in (hints[name], *get_args(hints[name])) if get_origin(h) is Literal]
        values = get_args(literal[0]) if literal else ()
        assert [kind.read(value) for value in values] == list(values)
        assert kind.choices == tuple(value for value in values if isinstance(value, str))


def test_pass_settings_merge() -> None:
    settings = [values.PASS_SETTING.read(text) for text in ("a=off", "b.x=1", "b.y=2", "a=on", "c.z=3", "c=off")]
    assert load_config(None, {"passes": settings}).passes == {"a": True, "b": {"x": "1", "y": "2"}, "c": False}
    for wrong in ("a", "a=maybe", "=on", "a.=1", "a.b="):
        with pytest.raises(ValueError):
            values.PASS_SETTING.read(wrong)


def test_passes_in_the_file(toml: Any) -> None:
    config = toml("""
        weight-bits = 4
        [passes]
        equalize_layers = false
        [passes.calibrate]
        method = "mse"
    """)
    assert config.weight_bits == 4
    assert config.passes == {"equalize_layers": False, "calibrate": {"method": "mse"}}
    with pytest.raises(UsageError, match="one of 8, 4, 2"):
        toml("weight-bits = 3")


def test_layers_in_the_file(toml: Any) -> None:
    config = toml("""
        [layers."conv/1"]
        weight-bits = 4
        activation_bits = 16
    """)
    assert config.layers == {"conv/1": {"weight_bits": 4, "activation_bits": 16}}
    for wrong in ("layers = 4", "[layers.a]\nweight-bits = 3", "[layers.a]\nbits = 4", "[layers]\na = 4"):
        with pytest.raises(UsageError, match="table by layer name"):
            toml(wrong)


def test_all_keys(toml: Any, tmp_path: Path) -> None:
    config = toml("""
        target = "rv32imc"
        name = "net"
        calib = "data/c.npz"
        eval = "/abs/e.npz"
        out = "build"
        emit = "c"
        float-abi = "soft"
        dump_passes = "passes"
        max-flash = "256K"
        max_ram = 1024
        patch = "off"
        min-accuracy = 1
        metric = "top1"
        io-layout = "nchw"
        input-type = "int16"
        io = "caller"
        input-range = [0, 255]
        seed = 7
        [shapes]
        image = [1, 3, 96, 96]
    """)
    assert config == Config(
        target="rv32imc",
        name="net",
        calib=tmp_path / "data/c.npz",
        eval=Path("/abs/e.npz"),
        out=tmp_path / "build",
        emit="c",
        float_abi="soft",
        dump_passes=tmp_path / "passes",
        max_flash=262144,
        max_ram=1024,
        patch="off",
        min_accuracy=1.0,
        metric="top1",
        io_layout="nchw",
        input_type="int16",
        io="caller",
        shapes={"image": (1, 3, 96, 96)},
        input_range=(0.0, 255.0),
        seed=7,
    )


def test_overrides_win_and_their_paths_start_here(toml: Any) -> None:
    config = toml("calib = 'c.npz'\nseed = 1", calib="mine.npz", seed=None)
    assert config.calib == Path("mine.npz")
    assert config.seed == 1


def test_synthetic_calibration_in_a_file_is_no_path(toml: Any, tmp_path: Path) -> None:
    assert toml("calib = 'synthetic'").calib == SYNTHETIC
    assert toml("eval = 'synthetic'").eval == tmp_path / "synthetic"


def test_arrays_are_calibration_data_in_python() -> None:
    arrays = {"image": np.zeros((2, 3))}
    assert load_config(None, {"calib": arrays}).calib == arrays


@pytest.mark.parametrize(
    ("text", "size"), [("1024", 1024), ("256K", 256 << 10), ("1m", 1 << 20), (" 2K ", 2048), ("0", 0)]
)
def test_sizes(text: str, size: int) -> None:
    assert load_config(None, {"max_flash": text}).max_flash == size


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("seed = '1x'", "option 'seed' must be a whole number, 0 or more, not '1x'"),
        ("seed = true", "option 'seed' must be a whole number"),
        ("seed = -1", "option 'seed' must be a whole number"),
        ("max-flash = '1G'", "option 'max-flash' must be a number of bytes, such as 1024, 256K or 1M, not '1G'"),
        ("max-flash = 1.5", "option 'max-flash' must be a number of bytes"),
        ("emit = 'rust'", "option 'emit' must be one of lib, c, not 'rust'"),
        ("emit = ['c']", "option 'emit' must be one of lib, c"),
        ("min-accuracy = nan", "option 'min-accuracy' must be a number"),
        ("min-accuracy = false", "option 'min-accuracy' must be a number"),
        ("target-fps = 0", "option 'target-fps' must be a number greater than 0, not 0"),
        ("target-fps = -5", "option 'target-fps' must be a number greater than 0"),
        ("calib = 3", "option 'calib' must be a path"),
        ("calib = ''", "option 'calib' must be a path"),
        ("calib = {image = [1, 2]}", "option 'calib' must be a path"),
        ("input-range = [1, 0]", "option 'input-range' must be two numbers, the lower first"),
        ("input-range = [1, 2, 3]", "option 'input-range' must be two numbers"),
        ("shapes = 'image=1,2'", "option 'shapes' must be a table"),
        ("[shapes]\na = [0]", "option 'shapes' must be a table"),
        ("[shapes]\na = 1", "option 'shapes' must be a table"),
        ("target = 1", "option 'target' must be text"),
        ("seed = 1\nmax-ram = 1\nmax_ram = 1", "'max_ram' is given twice"),
        ("seed = ", "not valid TOML"),
    ],
)
def test_wrong_files_are_named_with_key_and_expectation(toml: Any, tmp_path: Path, content: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        toml(content)
    assert expected in caught.value.what
    assert caught.value.file == str(tmp_path / "edgeq.toml")


@pytest.mark.parametrize(("key", "near"), [("max-flsh", "max-flash"), ("max_rm", "max_ram"), ("shape", "shapes")])
def test_unknown_key_names_the_nearest(toml: Any, key: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"unknown option '{key}'") as caught:
        toml(f"{key} = 1")
    assert caught.value.fix == f"perhaps {near!r} is meant"


def test_unknown_and_wrong_overrides() -> None:
    with pytest.raises(UsageError, match="unknown option 'sede'"):
        load_config(None, {"sede": 1})
    with pytest.raises(UsageError, match="option 'emit' must be"):
        load_config(None, {"emit": "rust"})


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the configuration: No such file"):
        load_config(tmp_path / "no.toml", {})


def test_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "edgeq.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_config(file, {})
