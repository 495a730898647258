"""C of the DSP family: intrinsics where the compiler has them, and elsewhere other C of the same integers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lower.c_harness import mnemonics_of, run_checked, warnings_of
from lower.dsp_operators import MAKERS, random_conv2d, random_dense, random_depthwise, random_pointwise
from lower.dsp_pools import POOLS, random_average_pool, random_max_pool
from lower.dsp_widths import halved, packed_addition, packed_layer, packed_pool
from lower.operators import program_of, random_inputs
from tvm.script import tirx as T
from tvm.target.codegen import llvm_lookup_intrinsic_id

from edgeq.errors import VerificationError
from edgeq.lower.assembly import opaque
from edgeq.lower.c_header import c_headers
from edgeq.lower.c_statement import print_function
from edgeq.lower.lower import lower
from edgeq.lower.lowered import Lowered
from edgeq.lower.select import for_c
from edgeq.program.interpreter import interpret
from edgeq.targets.dsp import intrinsics
from edgeq.targets.dsp.c_forms import DIALECT
from edgeq.targets.dsp.requantize import multiply_rounded
from edgeq.targets.load import load_target

M4 = load_target("cortex-m4")
PACKED = (random_conv2d, random_pointwise, random_depthwise, random_dense)
"""Operators over packed int4."""
GOLDEN = Path(__file__).parent / "golden"
ARM = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb")
CLANG_ARM = ("clang", "--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-isystem", "/usr/include/newlib")


def random_kernels(of_each: int) -> Lowered:
    """Operators of every kind that the family has kernels for."""
    rng = np.random.default_rng(0)
    cases = [make(rng) for _ in range(of_each) for make in (*MAKERS, *POOLS)]
    cases += [halved(make(rng), rng) for make in MAKERS] + [packed_layer(make, rng) for make in PACKED]
    cases += [packed_pool(make, rng) for make in (random_average_pool, random_max_pool)] + [packed_addition(rng)]
    return lower(program_of(cases), for_c(M4))


@pytest.fixture(scope="module")
def lowered() -> Lowered:
    """One operator of every kind."""
    return random_kernels(1)


def test_equals_interpreter_without_undefined_behaviour(tmp_path: Path) -> None:
    """On this computer, which has no such instructions: bytes lie at odd addresses, under sanitizers."""
    lowered = random_kernels(3)
    inputs = random_inputs(lowered.program, 3, seed=0)
    assert run_checked(lowered, inputs, interpret(lowered.program, inputs), tmp_path) == ""


@pytest.mark.parametrize(
    "compiler",
    [("gcc",), ("clang",), ARM, CLANG_ARM, ("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb")],
    ids=["gcc", "clang", "gcc-m4", "clang-m4", "gcc-m0"],
)
def test_compiles_without_warnings(compiler: tuple[str, ...], lowered: Lowered, tmp_path: Path) -> None:
    assert warnings_of(compiler, lowered, tmp_path) == ""


@pytest.mark.parametrize("compiler", [ARM, CLANG_ARM], ids=["gcc", "clang"])
def test_instructions_are_those_of_the_extension(compiler: tuple[str, ...], lowered: Lowered, tmp_path: Path) -> None:
    used = mnemonics_of(compiler, lowered, tmp_path)
    assert {"smlad", "sxtb16", "sxtab16", "ssub8", "sel", "pkhbt", "pkhtb", "ldrd"} <= used
    assert used & {"smmulr", "smmlar"}


def test_header() -> None:
    """With one form of every sort."""
    shown = {intrinsics.smlad, opaque, intrinsics.saturate, multiply_rounded, intrinsics.fake_use}
    dialect = replace(DIALECT, forms=tuple(form for form in DIALECT.forms if form.function in shown))
    assert c_headers(dialect)["edgeq_dsp.h"] == (GOLDEN / "edgeq_dsp.h").read_text()


def test_text() -> None:
    @T.prim_func
    def kernel(x_ptr: T.handle("int8"), ring_ptr: T.handle("int32"), y_ptr: T.handle("int8")):
        T.func_attr({"global_symbol": "kernel", "tirx.noalias": False})
        x = T.decl_buffer((64,), "int8", data=x_ptr)
        ring = T.decl_buffer((16,), "int32", data=ring_ptr)
        halves = T.decl_buffer((32,), "int16", data=ring_ptr)
        again = T.decl_buffer((8,), "int32", data=ring_ptr)
        y = T.decl_buffer((4,), "int8", data=y_ptr)
        acc = T.alloc_buffer((2,), "int32", scope="local")
        for i in T.serial(2, 16):
            four: T.let[T.int32] = intrinsics.load_word(x, i * 4 + 1)
            ring[i] = intrinsics.odd_bytes(four)
        halves[3] = x[5].astype("int16")
        intrinsics.forget(ring.data)
        for i in T.serial(4):
            at: T.let[T.int32] = opaque(i * 2)
            first: T.let[T.int32] = ring[at + 1]
            second: T.let[T.int32] = ring[at + 2]
            acc[0] = intrinsics.smlad(first, second, -5)
            intrinsics.pin(acc[0])
            again[at] = 0
            acc[1] = T.shift_left(intrinsics.wrapping_difference(acc[0], i), 4)
            y[i] = intrinsics.saturate(multiply_rounded(acc[1], 77), 8).astype("int8")

    assert print_function(kernel, DIALECT) == (GOLDEN / "dsp_kernel.c").read_text()


def test_index_that_is_a_number_too() -> None:
    """It is a pointer into one buffer, and a number wherever else it is used."""

    @T.prim_func
    def kernel(x_ptr: T.handle("int8"), y_ptr: T.handle("int8")):
        T.func_attr({"global_symbol": "kernel"})
        x = T.decl_buffer((64,), "int8", data=x_ptr)
        y = T.decl_buffer((64,), "int8", data=y_ptr)
        for i in T.serial(4):
            at: T.let[T.int32] = opaque(i * 2)
            y[at] = x[at - 3] + x[at + 1]
            y[at + 1] = x[at] + T.Cast("int8", at)

    lines = [line.strip() for line in print_function(kernel, DIALECT).splitlines()]
    assert lines[3:7] == [
        "const int8_t *at = &x[i * 2];",
        "edgeq_hide(at);",
        "const int32_t at_1 = edgeq_opaque(i * 2);",
        "y[at_1] = at[-3] + at[1];",
    ]


def test_unknown_intrinsic_is_refused() -> None:
    @T.prim_func
    def kernel(x_ptr: T.handle("int32")):
        T.func_attr({"global_symbol": "kernel"})
        x = T.decl_buffer((1,), "int32", data=x_ptr)
        x[0] = T.call_llvm_pure_intrin(llvm_lookup_intrinsic_id("llvm.arm.smuad"), x[0], x[0], dtype="int32")

    with pytest.raises(VerificationError, match=r"no C form .*llvm\.arm\.smuad"):
        print_function(kernel, DIALECT)


@pytest.mark.parametrize(
    ("name", "family"),
    [("cortex-m4", "dsp"), ("cortex-m33", "dsp"), ("cortex-m55", "mve"), ("cortex-m0", "base"), ("host", "portable")],
)
def test_family_that_c_is_printed_from(name: str, family: str) -> None:
    assert for_c(load_target(name)).family == family


def test_plug_in_family_without_c_is_printed_from_portable_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.lower.select.has_dialect", lambda family: False)
    assert for_c(load_target("cortex-m0")).family == "base"
    assert for_c(replace(load_target("cortex-m0"), family="own")).family == "portable"
