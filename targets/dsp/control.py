"""Loops and branches that are left out where they are known not to be needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tvm.script import tirx as T

if TYPE_CHECKING:
    from tvm.tirx import Expr


@contextmanager
def counted(times: int) -> Iterator[Expr | int]:
    """Code that runs so many times, and the number of the round; no loop for one."""
    if times == 1:
        yield 0
        return
    with T.serial(times) as i:
        yield i


@contextmanager
def where(condition: Expr | bool) -> Iterator[None]:
    """Code that runs where `condition` holds; no test where it is known to."""
    if condition is True:
        yield
        return
    with T.If(condition), T.Then():
        yield
