"""Model text never reaches the code, except as letters of a list."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.errors import VerificationError
from edgeq.package.names import (
    MAX_IDENTIFIER,
    PROGRAM_RESERVED,
    RESERVED,
    comment,
    identifiers,
    program_name,
    require_identifier,
)

NASTY = st.text(st.one_of(st.sampled_from('*/?\\\n\r"%_-. 0aZé漢\u202e\u2028'), st.characters()), max_size=120)


@given(st.lists(NASTY, max_size=20))
def test_identifiers_are_unique_and_plain(texts: list[str]) -> None:
    names = identifiers(texts, fallback="input")
    assert len(set(names)) == len(names) == len(texts)
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert len(name) <= MAX_IDENTIFIER
        assert "__" not in name and name not in RESERVED and not name.startswith("edgeq")
        assert require_identifier(name) == name


@given(NASTY)
def test_identifiers_do_not_change_when_made_again(text: str) -> None:
    once = identifiers([text], fallback="input")
    assert identifiers(once, fallback="input") == once


@given(NASTY)
def test_program_names_are_plain_and_not_reserved(text: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", program_name(text))
    assert program_name(text) not in PROGRAM_RESERVED


@given(NASTY)
def test_comments_cannot_end_begin_or_splice(text: str) -> None:
    safe = comment(text)
    assert re.fullmatch(r"[ -~]*", safe)
    assert not re.search(r"\*/|/\*|\?\?|\\", safe)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ResNet-8", "resnet_8"),
        ("model/conv2d:0", "model_conv2d_0"),
        ("Größe", "grosse"),
        ("int", "int_2"),
        ("class", "class_2"),
        ("main", "main_2"),
        ("3d", "n_3d"),
        ("edgeq_run", "n_edgeq_run"),
        ("__a__b__", "a_b"),
        ('"; system("x")', "system_x"),
        ("漢字", "input"),
        ("", "input"),
        ("x" * 99, "x" * 40),
    ],
)
def test_identifier_examples(text: str, name: str) -> None:
    assert identifiers([text], fallback="input") == (name,)


@pytest.mark.parametrize("text", ["string", "test", "m", "int"])
def test_a_program_does_not_shadow_headers_libraries_and_cmake_targets(text: str) -> None:
    assert program_name(text) == f"{text}_2"


def test_equal_names_get_numbers() -> None:
    assert identifiers(["x", "X", "x_2", "x"], fallback="input") == ("x", "x_2", "x_2_2", "x_3")
    long = "y" * 50
    assert identifiers([long, long], fallback="input") == ("y" * 40, "y" * 38 + "_2")


@pytest.mark.parametrize("text", ["", "a b", "A", "int", "a__b", "1a", "é", 'a"', "a\n"])
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(VerificationError, match="may not be a symbol"):
        require_identifier(text)


def test_comments_are_cut_at_80_characters() -> None:
    assert comment("z" * 81) == "z" * 77 + "..."
    assert comment("z" * 80) == "z" * 80
