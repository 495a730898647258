"""Numbers in C text are the numbers in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from package.toolchain import STRICT, run

from edgeq.package.arrays import c_type, nested_rows, rows


def test_rows_are_short_lines() -> None:
    assert rows(np.arange(18, dtype=np.int8)) == (
        "    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,\n    16, 17"
    )
    assert max(map(len, rows(np.full(99, -(2**31), np.int32)).splitlines())) <= 120


def test_nested_rows() -> None:
    assert nested_rows(np.array([[1, 2], [3, 4]], np.int8)) == (
        "    {\n        1, 2\n    },\n    {\n        3, 4\n    }"
    )


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_c_reads_the_same_bytes(tmp_path: Path, compiler: str, dtype: str) -> None:
    info = np.iinfo(dtype)
    edges = np.array([info.min, info.min + 1, 0, 1, info.max - 1, info.max], dtype)
    data = np.concatenate([edges, np.random.default_rng(5).integers(info.min, info.max, 50, dtype)])
    (tmp_path / "a.c").write_text(
        f"#include <stdint.h>\n#include <stdio.h>\nstatic const {c_type(dtype)} a[] = {{\n{rows(data)}\n}};\n"
        "int main(void) { return fwrite(a, 1, sizeof a, stdout) != sizeof a; }\n"
    )
    run(compiler, *STRICT, "a.c", "-o", "a", cwd=tmp_path)
    run("sh", "-c", "./a > out", cwd=tmp_path)
    assert (tmp_path / "out").read_bytes() == data.tobytes()
