"""The README shows the figures that the benchmarks' files hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from readme.document import filled


def test_the_readme_has_the_figures_of_the_benchmarks(repo_root: Path) -> None:
    text = (repo_root / "README.md").read_text()
    assert filled(text) == text, "run tools/update_readme"


def test_a_table_is_made_anew() -> None:
    stale = "before\n<!-- table host -->\n\n| model |\n| --- |\n| stale |\n\n<!-- end -->\nafter\n"
    made = filled(stale)
    assert made.startswith("before\n<!-- table host -->\n") and made.endswith("\n<!-- end -->\nafter\n")
    assert "stale" not in made and "| VNNI: onnxruntime, us |" in made
    assert filled(made) == made


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(KeyError, match="nosuch"):
        filled("<!-- table nosuch -->\n<!-- end -->")
