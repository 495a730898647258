"""A document whose tables are made from benchmarks."""

from __future__ import annotations

import re

from readme.tables import TABLES

_TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(\n?<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """The text with the lines between `<!-- table NAME -->` and `<!-- end -->` made anew.

    Raises:
        KeyError: There is no table of such a name.
    """
    return _TABLE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)
