"""Sizes of kernels are kept between searches, and are those that compiling gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq.lower.generated import Placement
from edgeq.program.ops import Add, Conv2D, View
from edgeq.program.program import Program
from edgeq.search.space import Space
from edgeq.targets.load import load_target
from edgeq.tune import footprint
from edgeq.tune.footprint import Footprints
from edgeq.tune.form import Form, form_key, signature
from edgeq.tune.form_cache import FormCache
from edgeq.tune.workbench import Workbench

FORM = Form(100, 8, 20, 12, 5, Placement(64, 16, False, None), Placement(0, None, True, None))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "edgeq"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Kinds of the operators that were compiled."""
    kinds: list[str] = []
    measure: Callable[..., Form] = footprint.measure_form

    def counted(op: object, program: Program, target: object) -> Form:
        kinds.append(type(op).__name__)
        return measure(op, program, target)

    monkeypatch.setattr(footprint, "measure_form", counted)
    return kinds


def test_a_second_search_compiles_nothing(folder: Path, compiled: list[str], bench: Workbench, space: Space) -> None:
    program, target = bench._program(bench._model(space.default())), load_target("cortex-m4")
    first = Footprints(target).cost(program)
    assert compiled
    compiled.clear()
    assert Footprints(target).cost(program) == first
    assert not compiled


def test_numbers_inside_a_kernel_make_no_form_of_their_own(bench: Workbench, space: Space) -> None:
    """Sums have their multipliers in the code: each trial would compile them anew."""
    program = bench._program(bench._model(space.default()))
    x, y, first, behind = program.ops[0].x, program.ops[0].y, View((4,), (1,), 0), View((4,), (1,), 1)
    add = Add("sum", y, x, x, first, first, 3, 5, 7, 9, -128, 127)
    other = replace(add, m1=4, c=8, shift=10)
    assert form_key(add, program) == form_key(other, program)
    assert signature(add, program) != signature(other, program)
    assert form_key(add, program) != form_key(replace(add, view1=behind), program)
    (conv, *_) = (op for op in program.ops if isinstance(op, Conv2D))
    shifted = replace(conv, requantize=replace(conv.requantize, left=conv.requantize.left + 1))
    wide = replace(conv, requantize=replace(conv.requantize, left=0, right=3))
    assert form_key(shifted, program) == form_key(conv, program) != form_key(wide, program)


def test_forms_of_another_target_are_others(folder: Path) -> None:
    target = load_target("cortex-m4")
    FormCache(target).put("key", FORM)
    assert FormCache(target).get("key") == FORM
    assert FormCache(target).get("other") is None
    assert FormCache(replace(target, features=frozenset())).get("key") is None


def test_a_broken_cache_is_an_empty_one(
    folder: Path, compiled: list[str], bench: Workbench, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    (folder / "forms.db").write_bytes(b"this is no database" * 100)
    program, target = bench._program(bench._model(space.default())), load_target("cortex-m4")
    broken = Footprints(target).cost(program)
    assert compiled
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert Footprints(target).cost(program) == broken
