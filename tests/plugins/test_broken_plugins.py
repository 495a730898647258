"""A plug-in that does not work is named, and what is wrong with it."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from edgeq.errors import UsageError
from edgeq.passes import plugins
from edgeq.targets import families


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("no_such_module:PLUGIN", "'mine' .* cannot be loaded: No module named 'no_such_module'"),
        ("edgeq.errors:EdgeqError", "'mine' .* is a type, not a PassPlugin"),
    ],
)
def test_a_pass_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str, complaint: str) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("mine", value, group)])
    with pytest.raises(UsageError, match=complaint):
        plugins.with_plugins([], samples=None, scheme=None)


def test_a_pass_whose_place_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = plugins.PassPlugin(after="no_such_pass", make=lambda samples, scheme: pytest.fail("made"))
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("mine", "m:P", group)])
    monkeypatch.setattr(EntryPoint, "load", lambda self: plugin)
    with pytest.raises(UsageError, match="'mine' wants to follow 'no_such_pass'"):
        plugins.with_plugins([], samples=None, scheme=None)


@pytest.fixture
def broken_family(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"mine": EntryPoint("mine", "no_such_package", families.GROUP)}
    monkeypatch.setattr(families, "plugin_families", lambda: found)


def test_a_family_whose_package_is_absent(broken_family: None) -> None:
    with pytest.raises(UsageError, match="'mine' names the package 'no_such_package', which cannot be imported"):
        families.board_folders()


def test_an_unknown_family_lists_those_of_plugins_too(broken_family: None) -> None:
    with pytest.raises(UsageError, match=r"no kernel family 'minr'; known are .*dsp.*mine.*portable"):
        families.family_package("minr")
