"""A tiny hand-written package, and the emulated boards to run it on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tooling import need_board

from edgeq.package.manifest import KernelEntry, Manifest, PortEntry
from edgeq.package.read import Package
from edgeq.targets.load import load_target
from edgeq.targets.target import Target

HEADER = """
#include <stdint.h>
#define BUMP_OK 0
typedef struct { const int8_t *x; const int16_t *step; } bump_inputs;
typedef struct { int8_t *y; } bump_outputs;
int bump_invoke(const bump_inputs *inputs, const bump_outputs *outputs, void *arena);
#ifdef BUMP_PROFILE
void bump_profile_hook(int kernel);
#endif
"""

# Three calls: the second repeats the first, the third adds one, with `LOCAL` bytes of stack, after `BODY`.
SOURCE = """
#include "bump.h"
#ifdef BUMP_PROFILE
#define PROFILE(kernel) bump_profile_hook(kernel)
#else
#define PROFILE(kernel) ((void)0)
#endif
__attribute__((noipa)) void bump_k0(const int8_t *x, const int16_t *step, int8_t *y) {
    for (int i = 0; i < 16; i++) y[i] = (int8_t)(x[i] + *step);
}
__attribute__((noipa)) void bump_k1(const int8_t *x, int8_t *y) {
    volatile int8_t local[LOCAL];
    BODY
    local[0] = 1;
    for (int i = 0; i < 16; i++) y[i] = (int8_t)(x[i] + local[0]);
}
int bump_invoke(const bump_inputs *inputs, const bump_outputs *outputs, void *arena) {
    int8_t *base = arena;
    PROFILE(0);
    bump_k0(inputs->x, inputs->step, base);
    PROFILE(1);
    bump_k0(base, inputs->step, base + 16);
    PROFILE(2);
    bump_k1(base + 16, outputs->y);
    PROFILE(3);
    return STATUS;
}
"""

MakePackage = Callable[..., Package]


@pytest.fixture(params=[("cortex-m4", "hard"), ("cortex-m0", ""), ("rv32imc", "")], ids="-".join)
def board(request: pytest.FixtureRequest) -> tuple[Target, str]:
    """An emulated target and its float ABI; skips or fails where a tool is missing."""
    name, float_abi = request.param
    target = load_target(name)
    need_board(target)
    return target, float_abi


@pytest.fixture
def bump(tmp_path: Path, board: tuple[Target, str]) -> MakePackage:
    """Makes the package for the board: y = x + 2 * step + 1."""

    def make(body: str = "", local: int = 1000, status: int = 0) -> Package:
        text = SOURCE.replace("BODY", body).replace("LOCAL", str(local)).replace("STATUS", str(status))
        for path, content in (("include/bump.h", HEADER), ("src/bump.c", text)):
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(content)
        return Package(tmp_path, _manifest(*board))

    return make


def _manifest(target: Target, float_abi: str) -> Manifest:
    return Manifest(
        format="edgeq-package-1",
        name="bump",
        edgeq="0",
        target=target.name,
        float_abi=float_abi,
        emit="c",
        model_sha256="",
        arena_bytes=32,
        io_layout="model",
        io="caller",
        patches=None,
        arena_align=16,
        inputs=(
            PortEntry("in:0", "x", "int8", (1, 4, 4), 16, 1.0, 0, None),
            PortEntry("step", "step", "int16", (1,), 2, 1.0, 0, None),
        ),
        outputs=(PortEntry("out:0", "y", "int8", (1, 16), 16, 1.0, 0, None),),
        kernels=(
            KernelEntry(0, "bump_k0", "first", "b0", 0, None, 16),
            KernelEntry(1, "bump_k0", "second", "b1", 16, None, 16),
            KernelEntry(2, "bump_k1", "third", "b2", None, "y", 16),
        ),
        files={"include/bump.h": "", "src/bump.c": ""},
    )
