from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tooling import ALL_BOARDS

from edgeq.errors import FirmwareError, VerificationError
from edgeq.run.batch import profile_on_qemu, run_on_qemu, runner_source, trace_on_qemu

ONE_BOARD = pytest.mark.parametrize("board", [("cortex-m4", "hard")], indirect=True, ids="-".join)
RNG = np.random.default_rng(1)
INPUTS = {
    "in:0": RNG.integers(-128, 128, (5, 1, 4, 4), np.int8),
    "step": np.array([[-300], [0], [1], [127], [300]], np.int16),
}


def expected(steps: int, plus: int = 0) -> np.ndarray:
    wide = INPUTS["in:0"].reshape(5, 16).astype(np.int32) + steps * INPUTS["step"] + plus
    return wide.astype(np.int8)


@pytest.mark.parametrize("board", ALL_BOARDS, indirect=True, ids="-".join)
def test_outputs_are_those_of_the_package(bump) -> None:
    result = run_on_qemu(bump(), INPUTS)
    assert result.outputs.keys() == {"out:0"}
    np.testing.assert_array_equal(result.outputs["out:0"], expected(2, plus=1).reshape(5, 1, 16))


def test_counts_are_the_same_in_every_run_and_for_every_sample(bump) -> None:
    package = bump()
    first, second = run_on_qemu(package, INPUTS), run_on_qemu(package, INPUTS)
    np.testing.assert_array_equal(first.instructions, second.instructions)
    assert len(set(first.instructions)) == 1


def test_kernel_counts_add_up_to_the_inference(bump) -> None:
    package = bump()
    kernels = profile_on_qemu(package, INPUTS)
    assert kernels.shape == (5, 3)
    assert (abs(kernels[:, 0] - kernels[:, 1]) <= 2).all()  # the same function, other arguments
    assert (kernels > 16 * 4).all()  # at least load, add, store and branch for each element
    rest = run_on_qemu(package, INPUTS).instructions - kernels.sum(axis=1)
    assert ((rest >= 0) & (rest < 30)).all()  # entry and return of the call sequence


def test_a_kernel_of_known_length_is_counted_exactly(bump) -> None:
    """Adding k no-operation instructions to a kernel adds exactly k to its count and to the inference's."""
    plain = bump()
    counts = profile_on_qemu(plain, INPUTS), run_on_qemu(plain, INPUTS).instructions
    longer = bump(body='__asm__ volatile(".rept 77\\n nop\\n .endr");')
    kernels, total = profile_on_qemu(longer, INPUTS), run_on_qemu(longer, INPUTS).instructions
    np.testing.assert_array_equal(kernels - counts[0], np.tile([0, 0, 77], (5, 1)))
    np.testing.assert_array_equal(total - counts[1], np.full(5, 77))


def test_the_stack_is_that_of_the_deepest_call(bump) -> None:
    for local in (1000, 3000):
        assert local < run_on_qemu(bump(local=local), INPUTS).stack_bytes < local + 64


def test_the_trace_holds_what_each_kernel_wrote(bump) -> None:
    trace = trace_on_qemu(bump(), INPUTS)
    for sample, kernels in enumerate(trace):
        for kernel, values in enumerate((expected(1), expected(2), expected(2, plus=1))):
            np.testing.assert_array_equal(kernels[kernel], values[sample])


@ONE_BOARD
def test_linked_sizes_are_of_the_package_alone(bump) -> None:
    sizes = run_on_qemu(bump(), INPUTS).symbol_bytes
    assert sizes.keys() == {"bump_invoke", "bump_k0", "bump_k1"}
    assert all(0 < size < 200 for size in sizes.values())


def test_a_fault_is_reported_not_run_forever(bump) -> None:
    with pytest.raises(FirmwareError, match=r"(HardFault|trap), cause 0x0000000\d, at 0x"):
        run_on_qemu(bump(body="*(volatile int8_t *)0xf0000000u;"), INPUTS, timeout=20)


def test_a_stack_overflow_is_reported(bump) -> None:
    body = "for (int i = 0; i < LOCAL; i++) local[i] = 1;".replace("LOCAL", "70000")
    with pytest.raises(FirmwareError, match=r"the stack overflowed|Lockup"):
        run_on_qemu(bump(body=body, local=70000), INPUTS, timeout=20)


@ONE_BOARD
def test_an_error_of_invoke_is_reported(bump) -> None:
    with pytest.raises(FirmwareError, match="bump_invoke returned an error"):
        run_on_qemu(bump(status=1), INPUTS)


@ONE_BOARD
def test_an_endless_kernel_is_ended(bump) -> None:
    with pytest.raises(FirmwareError, match=r"did not end within 0\.5 s"):
        run_on_qemu(bump(body="for (;;) { local[1] = 1; }"), INPUTS, timeout=0.5)


def test_a_library_call_fails_to_link(bump) -> None:
    """Kernels must not need the compiler's run-time library: 64-bit division is in there on every 32-bit core."""
    body = "volatile int64_t a = 7; a = a / (a + x[0]); local[1] = (int8_t)a;"
    with pytest.raises(FirmwareError, match=r"(?s)cannot build the firmware.*undefined reference"):
        run_on_qemu(bump(body=body), INPUTS)


@ONE_BOARD
def test_nothing_is_left_behind(bump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    run_on_qemu(bump(), INPUTS)
    with pytest.raises(FirmwareError):
        run_on_qemu(bump(status=1), INPUTS)
    assert not list(scratch.iterdir())


@ONE_BOARD
def test_hostile_names_do_not_reach_the_code(bump) -> None:
    manifest = bump().manifest
    for change in (
        {"name": 'x"; system("x")'},
        {"inputs": (replace(manifest.inputs[0], c_name="x; }"),)},
        {"inputs": (replace(manifest.inputs[0], dtype="int8_t x; int"),)},
        {"kernels": (replace(manifest.kernels[2], port="y }"),)},
    ):
        with pytest.raises(VerificationError):
            runner_source(replace(manifest, **change), "trace")
