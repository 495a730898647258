"""The tables of a study in a database."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

STUDIES = Table(
    "edgeq_studies",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("about", Text, nullable=False),
    Column("space", Text, nullable=False),
)
"""One row per search space of a model, its data and a target; `about` and `space` are JSON."""

TRIALS = Table(
    "edgeq_trials",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("study", Integer, ForeignKey(STUDIES.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("allocation", Text, nullable=False),
    Column("owner", String(64)),
    Column("lease", Float),
    Column("outcome", Text),
    Column("stopped", Boolean, nullable=False, default=False),
    Column("error", Text),
    UniqueConstraint("study", "number"),
    UniqueConstraint("study", "digest"),
)
"""One row per claimed allocation: with an owner and the end of its lease (seconds since 1970) while it is worked on,
with an outcome (JSON) or an error afterwards."""
