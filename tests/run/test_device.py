"""What runs a target's programs here, in words."""

from __future__ import annotations

import pytest

from edgeq.run import device
from edgeq.run.device import described
from edgeq.targets.load import load_target


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("cortex-m4", "qemu-system-arm -M mps2-an386"),
        ("cortex-m85", "qemu-system-arm -M mps3-an547, whose core is a Cortex-M55"),
        ("cortex-a53", "qemu-aarch64 -cpu cortex-a53"),
        ("fpga-hls", "make csim"),
        ("fpga-rtl", "make sim"),
        ("host", "the host runner"),
    ],
)
def test_emulators_and_simulations(target: str, words: str) -> None:
    assert described(load_target(target)) == words


def test_instructions_that_this_cpu_lacks_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    vnni = load_target("x86-64-vnni")
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset({"avx512f", "avx512vl"}))
    assert described(vnni) == "not run: this CPU lacks avx512_vnni, avx512bw"
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset(vnni.linux.cpu_flags))
    assert described(vnni) == "this CPU"
