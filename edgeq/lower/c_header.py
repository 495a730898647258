"""The headers that printed kernels include."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from edgeq.lower.c_dialect import Dialect

FIXED_H = "edgeq_fixed.h"

_ENVIRONMENT = Environment(
    loader=PackageLoader("edgeq.lower", "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)


def c_headers(dialect: Dialect | None) -> dict[str, str]:
    """Text of the headers by file name. They are the same for every program of a family: firmware may mix programs."""
    headers = {FIXED_H: _ENVIRONMENT.get_template(FIXED_H).render()}
    if dialect:
        template = _ENVIRONMENT.get_template("dialect.h.j2")
        headers[f"{dialect.header}.h"] = template.render(dialect=dialect, fixed=FIXED_H)
    return headers
