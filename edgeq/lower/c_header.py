"""The headers that printed kernels include."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.templating import templates_of

if TYPE_CHECKING:
    from edgeq.lower.c_dialect import Dialect

FIXED_H = "edgeq_fixed.h"

_TEMPLATES = templates_of("edgeq.lower")


def c_headers(dialect: Dialect | None) -> dict[str, str]:
    """Text of the headers by file name. They are the same for every program of a family: firmware may mix programs."""
    headers = {FIXED_H: _TEMPLATES.get_template(FIXED_H).render()}
    if dialect:
        name = f"{dialect.header}.h"
        template = _TEMPLATES.get_template("dialect.h.j2" if dialect.condition else name)
        headers[name] = template.render(dialect=dialect, fixed=FIXED_H)
    return headers
