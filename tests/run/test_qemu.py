from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tooling import ALL_BOARDS, need_board

from edgeq.errors import FirmwareError, ToolMissingError, UsageError
from edgeq.run.counters import COUNTERS
from edgeq.run.firmware import build_firmware
from edgeq.run.qemu import run_firmware
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

# A loop of four instructions, run n times for several n; the difference of the counter is printed in hexadecimal.
LOOP = """
#include "edgeq_board.h"
__attribute__((noipa)) static void measure(uint32_t n) {
    const edgeq_count begin = edgeq_counter_read();
#ifdef __riscv
    __asm__ volatile("1: nop\\n nop\\n addi %0, %0, -1\\n bnez %0, 1b" : "+r"(n));
#else
    __asm__ volatile(".syntax unified\\n 1: nop\\n nop\\n subs %0, #1\\n bne 1b" : "+l"(n) : : "cc");
#endif
    const edgeq_count end = edgeq_counter_read();
    edgeq_print_hex(end.low - begin.low);
    edgeq_print(" ");
    edgeq_print_hex(end.high - begin.high);
    edgeq_print("\\n");
}
int main(void) {
    edgeq_counter_start();
    for (uint32_t n = 1; n < 60; n++) {
        measure(n);
    }
    measure(1000000);
    return 42;
}
"""

# One target of each emulated machine.
MACHINES = {load_target(name).emulator.command: (name, float_abi) for name, float_abi in ALL_BOARDS}.values()


def build(folder: Path, target: Target, text: str, **options: str) -> Path:
    (folder / "main.c").write_text(text)
    build_firmware([folder / "main.c"], [], target, folder / "main.elf", **options)
    return folder / "main.elf"


@pytest.mark.parametrize("board", MACHINES, indirect=True, ids="-".join)
def test_instructions_are_counted_exactly(board: tuple[Target, str], tmp_path: Path) -> None:
    target, _ = board
    result = run_firmware(build(tmp_path, target, LOOP), target, timeout=60, files_dir=tmp_path)
    assert result.exit_code == 42
    low, high = np.array([[int(word, 16) for word in line.split()] for line in result.stdout.splitlines()]).T
    counts = COUNTERS[target.emulator.counter].instructions(low, high)
    overhead = counts - 4 * np.array([*range(1, 60), 1_000_000])
    assert set(overhead) == {overhead[0]} and 0 < overhead[0] < 30


@pytest.mark.parametrize("board", ALL_BOARDS, indirect=True, ids="-".join)
def test_data_and_bss_are_set_up(board: tuple[Target, str], tmp_path: Path) -> None:
    target, float_abi = board
    text = """
    #include "edgeq_board.h"
    volatile int zero[1000], five = 5; static int (*volatile function)(void) = 0; const volatile int seven = 7;
    int main(void) { return function || zero[999] ? 1 : five * seven; }
    """
    elf = build(tmp_path, target, text, float_abi=float_abi or None)
    assert run_firmware(elf, target, timeout=10, files_dir=tmp_path).exit_code == 35


def test_files_of_the_host_are_read_and_written(board: tuple[Target, str], tmp_path: Path) -> None:
    target, _ = board
    text = """
    #include "edgeq_board.h"
    int main(void) {
        char text[8];
        int from = edgeq_open("in.txt", EDGEQ_READ), to = edgeq_open("out.txt", EDGEQ_WRITE);
        for (size_t n; (n = edgeq_read(from, text, sizeof text)) > 0;) edgeq_write(to, text, n);
        edgeq_open("absent.txt", EDGEQ_READ);
        return 0;
    }
    """
    content = "more than eight bytes"
    (tmp_path / "in.txt").write_text(content)
    result = run_firmware(build(tmp_path, target, text), target, timeout=10, files_dir=tmp_path)
    assert (tmp_path / "out.txt").read_text() == content
    assert (result.exit_code, result.stdout) == (1, "absent.txt: cannot be opened\n")


def test_a_full_disk_is_not_success(board: tuple[Target, str], tmp_path: Path) -> None:
    target, _ = board
    text = """
    #include "edgeq_board.h"
    int main(void) { edgeq_write(edgeq_open("full", EDGEQ_WRITE), "text", 4); return 0; }
    """
    (tmp_path / "full").symlink_to("/dev/full")
    result = run_firmware(build(tmp_path, target, text), target, timeout=10, files_dir=tmp_path)
    assert result.exit_code == 1 and "is its disk full?" in result.stdout


def test_hard_float_code_runs(tmp_path: Path) -> None:
    target = load_target("cortex-m4")
    need_board(target)
    text = "volatile float x = 20.5f; int main(void) { return (int)(x * 2.0f); }"
    elf = build(tmp_path, target, text, float_abi="hard")
    assert run_firmware(elf, target, timeout=10, files_dir=tmp_path).exit_code == 41


def test_a_compiler_error_reaches_the_user(tmp_path: Path) -> None:
    target = load_target("cortex-m4")
    need_board(target)
    with pytest.raises(FirmwareError, match=r"(?s)arm-none-eabi-gcc cannot build.*nonsense"):
        build(tmp_path, target, "int main(void) { nonsense; }")


def test_only_the_float_abis_of_the_target_are_taken(tmp_path: Path) -> None:
    for name, fix in (("cortex-m4", "use hard or soft"), ("cortex-m0", "leave it out")):
        target = load_target(name)
        need_board(target)
        with pytest.raises(UsageError, match="no float ABI 'softfp'") as caught:
            build(tmp_path, target, "int main(void) { return 0; }", float_abi="softfp")
        assert caught.value.fix == fix


def test_the_host_has_no_board(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'host' has no emulated board"):
        build(tmp_path, load_target("host"), "")


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = load_target("cortex-m4")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"newlib|arm-none-eabi-gcc"):
        build(tmp_path, target, "")
    with pytest.raises(ToolMissingError, match="qemu-system-arm"):
        run_firmware(tmp_path / "main.elf", target, timeout=1, files_dir=tmp_path)
