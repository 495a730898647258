"""Says where narrow weights take the bytes of wide ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeq.lower.lowered import KernelCall, Lowered


NAMED = 4
"""Layers that the warning names; of the others it says how many they are."""


def stored_wide(lowered: Lowered) -> list[str]:
    """A warning if there are kernels that store weights of fewer than 8 bits in no fewer bytes than those of 8."""
    sizes = {constant.symbol: constant.data.nbytes for constant in lowered.constants if constant.kind == "weights"}

    def wide(call: KernelCall) -> bool:
        stored = sum(sizes.get(argument.name, 0) for argument in call.arguments if argument.kind == "constant")
        return getattr(call.op, "weight_bits", 8) < 8 and stored >= call.op.weight.size  # type: ignore[attr-defined]

    names = list(dict.fromkeys(call.op.name for call in lowered.calls if wide(call)))
    if not names:
        return []
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return [
        f"on {lowered.target.name}, narrow weights take 8 bits all the same in the kernels of {listed}, "
        "which have no form for them: 8 bits would cost these layers nothing"
    ]
