"""Where the study of a model on a target is kept, and how it is found again."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from edgeq.config import Config
from edgeq.targets.load import load_target


def study_place(model: Path, config: Config) -> str:
    """Path or URL of the study's database; by default a file beside where the package goes."""
    return config.study or f"{config.name or model.stem}-{load_target(config.target).name}.db"


def about(model: Path, config: Config) -> dict[str, str]:
    """What tells the studies of one database apart: the model's file, and the target under its own name."""
    return {"model": sha256(model.read_bytes()).hexdigest(), "target": load_target(config.target).name}
