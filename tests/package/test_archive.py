"""Archives equal GNU ar's, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from package.toolchain import run

from edgeq.package.archive import Member, archive

NAMES = ["a", "fifteen_chars_x", "sixteen_chars_xx", "a_name_that_needs_the_table_of_long_names"]


def compile_objects(compiler: str, names: list[str], folder: Path) -> list[Member]:
    members = []
    for i, name in enumerate(names):
        (folder / f"{name}.c").write_text(f"int {name}(void);\nint {name}(void) {{ return {i}; }}\n")
        run(compiler, "-c", f"{name}.c", "-o", name, cwd=folder)
        members.append(Member(name, (folder / name).read_bytes(), (name,)))
    return members


@pytest.mark.parametrize("prefix", ["", "arm-none-eabi-"])
@pytest.mark.parametrize("names", [NAMES[:1], NAMES[:2], NAMES[1:], NAMES], ids=len)
def test_equals_gnu_ar(tmp_path: Path, prefix: str, names: list[str]) -> None:
    members = compile_objects(f"{prefix}gcc", names, tmp_path)
    run(f"{prefix}ar", "rcsD", "expected.a", *names, cwd=tmp_path)
    assert archive(members) == (tmp_path / "expected.a").read_bytes()


def test_the_linker_takes_only_the_members_it_needs(tmp_path: Path) -> None:
    members = compile_objects("arm-none-eabi-gcc", NAMES, tmp_path)
    (tmp_path / "all.a").write_bytes(archive(members))
    (tmp_path / "user.c").write_text(f"int {NAMES[3]}(void);\nint _start(void) {{ return {NAMES[3]}(); }}\n")
    run("arm-none-eabi-gcc", "-nostdlib", "user.c", "all.a", "-o", "user.elf", cwd=tmp_path)
    symbols = {line.split()[-1] for line in run("arm-none-eabi-nm", "user.elf", cwd=tmp_path).splitlines()}
    assert symbols & set(NAMES) == {NAMES[3]}


def test_an_archive_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.a").write_bytes(archive([]))
    assert run("ar", "t", "empty.a", cwd=tmp_path) == ""
