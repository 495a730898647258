"""report.json: everything that one compilation measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgeq.program.planner import Plan
from edgeq.program.program import Program
from edgeq.report.conformance import Conformance
from edgeq.report.metrics import Accuracy

if TYPE_CHECKING:
    from edgeq.package.sizes import FlashBytes, RamBytes


def make_report(
    *,
    program: Program,
    target: str,
    accuracy: Accuracy | None,
    resources: Mapping[str, Any],
    layers: list[dict[str, Any]],
    conformance: Conformance,
    passes: list[dict[str, Any]],
    warnings: list[str],
) -> dict[str, Any]:
    """The report of a compilation; its keys are documented in docs/JSON.md and stable. No NaN, no infinity.

    Args:
        resources: What the target gives for it: `memory` of a processor, or `fpga`.
    """
    return _finite(
        {
            "name": program.name,
            "target": target,
            "macs": program.macs,
            "accuracy": None if accuracy is None else accuracy.to_dict(),
            **resources,
            "onnxruntime": conformance.to_dict(),
            "layers": layers,
            "passes": passes,
            "warnings": warnings,
        }
    )


def memory_report(
    flash: FlashBytes, ram: RamBytes, plan: Plan, patches: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The resources of a processor, in bytes, and what runs in patches."""
    return {
        "memory": {
            "flash_bytes": {**asdict(flash), "total": flash.total},
            "ram_bytes": {**asdict(ram), "total": ram.total},
            "arena": {
                "bytes": plan.size,
                "lower_bound": plan.lower_bound,
                "ratio": round(plan.ratio, 4),
                "blocks": [asdict(block) for block in plan.blocks],
            },
            "patches": patches,
        }
    }


def _finite(value: Any) -> Any:
    """The same with numbers that JSON does not have replaced by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
