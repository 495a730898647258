"""What each pass contributes: the result of quantization as one pass after the other is switched on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgeq.passes.layerwise import LayerwisePass
from edgeq.passes.recipes import essential
from edgeq.pipeline import pass_name, run_passes

if TYPE_CHECKING:
    import onnx_ir as ir
    from onnx_ir.passes import PassBase

Stage = tuple[str, "list[PassBase]"]
"""A label, and all the passes from the float model to frozen weights."""


def stages(passes: Sequence[PassBase]) -> list[Stage]:
    """`naive`, the least that quantizes; then with each further pass of a recipe, those that choose weights last."""
    chosen = essential(passes)
    found: list[Stage] = [("naive", chosen)]
    for added in sorted(passes, key=lambda pass_: isinstance(pass_, LayerwisePass)):
        if added not in chosen:
            chosen = [pass_ for pass_ in passes if pass_ in chosen or pass_ is added]
            found.append((f"+ {pass_name(added)}", chosen))
    return found


def attribute(
    reference: ir.Model,
    stages: Sequence[Stage],
    measure: Callable[[ir.Model], dict[str, Any]],
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """One row per stage.

    Args:
        reference: The float model.
        measure: What is measured of a QDQ model.
        progress: Told (stages done, stages in total).

    Returns:
        Per stage `stage`, its label, and what `measure` gives.
    """
    rows = []
    for done, (label, passes) in enumerate(stages, start=1):
        model, _ = run_passes(reference.clone(), passes)
        rows.append({"stage": label, **measure(model)})
        if progress is not None:
            progress(done, len(stages))
    return rows
