"""Executed instructions by address: equal to what the board's counter counts, and to what assembly says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tooling import need_tools

from edgeq.cycles.core import Flash, load_core
from edgeq.errors import FirmwareError, ToolMissingError
from edgeq.run import plugin
from edgeq.run.batch import profile_on_qemu
from edgeq.run.cycles import cycles_on_qemu

CORE = load_core("cortex-m4")
assert CORE is not None
FREE = replace(CORE, flash=None, scale=1.0)
ONE_CYCLE = replace(FREE, classes=(), jump=0.0, address_latency=0)
INPUTS = {"in:0": np.arange(32, dtype=np.int8).reshape(2, 1, 4, 4), "step": np.array([[3], [4]], np.int16)}
pytestmark = pytest.mark.parametrize("board", [("cortex-m4", "hard")], indirect=True, ids="-".join)


@pytest.fixture(autouse=True)
def tools() -> None:
    need_tools("gcc")


def test_as_many_instructions_as_the_counter_of_the_board(bump) -> None:
    package = bump()
    kernels = cycles_on_qemu(package, INPUTS, CORE)
    assert [k.instructions for k in kernels] == profile_on_qemu(package, INPUTS)[0].tolist()
    assert kernels == cycles_on_qemu(package, INPUTS, CORE)


def test_a_core_of_one_cycle_each_takes_as_many_cycles_as_instructions(bump) -> None:
    assert all(k.cycles == k.instructions for k in cycles_on_qemu(bump(), INPUTS, ONE_CYCLE))


def test_cycles_are_those_that_a_hand_adds_up(bump) -> None:
    """A loop of 100: SUBS, SDIV (six) and BNE, which jumps 99 times for two more cycles each."""
    loop = "1: subs r0, #1\\n sdiv r1, r2, r3\\n bne 1b"
    body = f'__asm__ volatile(".syntax unified\\n mov r0, #100\\n {loop}" ::: "r0", "r1", "r2", "r3", "cc");'
    empty = '__asm__ volatile("" ::: "r0", "r1", "r2", "r3", "cc");'
    plain, longer = (cycles_on_qemu(bump(body=text), INPUTS, FREE)[2] for text in (empty, body))
    assert longer.instructions - plain.instructions == 1 + 300
    assert longer.cycles - plain.cycles == 1 + 100 * (1 + 6 + 1) + 99 * 2


def test_code_that_outgrows_the_cache_waits(bump) -> None:
    """A loop of ten over 1000 half-words: read from flash once, or every time."""
    body = (
        '__asm__ volatile("mov r0, #10\\n 1:\\n .rept 998\\n nop\\n .endr\\n subs r0, #1\\n bne.w 1b" ::: "r0", "cc");'
    )
    package = bump(body=body)

    def waits(code_units: int) -> int:
        flash = Flash(unit_bytes=16, code_units=code_units, data_units=1, code_wait=1.0, data_wait=0.0)
        return cycles_on_qemu(package, INPUTS, replace(FREE, flash=flash))[2].cycles

    free, large, small = cycles_on_qemu(package, INPUTS, FREE)[2].cycles, waits(200), waits(100)
    assert 120 <= large - free < 150
    assert 1250 <= small - free < 1280


def test_constants_that_are_read_again_wait_if_the_cache_is_small(bump) -> None:
    table = 'static const int8_t t[256] = {1}; const int8_t *p = t; __asm__ volatile("" : "+r"(p));'
    body = f"{table} for (int r = 0; r < 4; r++) for (int i = 0; i < 256; i++) local[0] = p[i];"
    package = bump(body=body)

    def waits(data_units: int) -> int:
        flash = Flash(unit_bytes=16, code_units=999, data_units=data_units, code_wait=0.0, data_wait=1.0)
        return cycles_on_qemu(package, INPUTS, replace(FREE, flash=flash))[2].cycles

    free = cycles_on_qemu(package, INPUTS, FREE)[2].cycles
    assert 13 <= waits(32) - free <= 18
    assert 60 <= waits(8) - free <= 70


def test_the_plugin_is_built_once(bump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    built = plugin.plugin_library()
    time = built.stat().st_mtime_ns
    assert plugin.plugin_library() == built and built.stat().st_mtime_ns == time
    assert [built] == list((tmp_path / "cache/edgeq").iterdir())


def test_what_stands_in_the_way_is_said(bump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(plugin, "_FLAGS", ("-shared", "-nonsense"))
    with pytest.raises(FirmwareError, match="gcc cannot build the profiler"):
        plugin.plugin_library()
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = r"gcc is not installed; counting instructions, estimating cycles, .* needs it"
    with pytest.raises(ToolMissingError, match=missing):
        plugin.plugin_library()
