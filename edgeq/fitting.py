"""Lowers a program as the configuration asks for it: whole, or with its first layers in patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeq.config import Config

if TYPE_CHECKING:
    from edgeq.lower.lowered import Lowered
    from edgeq.lower.objects import KernelObject
    from edgeq.program.program import Program
    from edgeq.program.rewrites.patches import Patches
    from edgeq.targets.target import Target


@dataclass(frozen=True, eq=False)
class Fitted:
    """A program made ready for its target.

    Attributes:
        objects: Its compiled kernels.
        patches: What runs in patches; None where nothing does.
        layers: How many operators that is.
        extra_macs: Multiply-accumulates per inference that patches compute again.
    """

    lowered: Lowered
    objects: Sequence[KernelObject]
    patches: Patches | None = None
    layers: int = 0
    extra_macs: int = 0

    def patch_report(self) -> dict[str, Any] | None:
        """What report.json says of patches."""
        if self.patches is None:
            return None
        return {"layers": self.layers, "strips": self.patches.strips, "extra_macs": self.extra_macs}


def lower_to_fit(program: Program, target: Target, float_abi: str, config: Config) -> Fitted:
    """Patches are used where `config.patch` asks for them: always, or where `config.max_ram` is not met without.

    The whole program is returned where no patches that were tried help.
    """
    from edgeq.lower.lower import lower
    from edgeq.lower.objects import compile_objects
    from edgeq.lower.patching import cheapest, smallest
    from edgeq.package.sizes import ram_bytes
    from edgeq.program.rewrites import share_memory
    from edgeq.program.rewrites.patches import stage_begin

    def fits(lowered: Lowered) -> bool:
        if config.max_ram is None:
            return True
        return ram_bytes(lowered, compile_objects(lowered, float_abi)).total <= config.max_ram

    whole = lower(share_memory(program), target)
    found = None
    if config.patch == "on":
        found = smallest(program, target)
    elif config.patch == "auto" and not fits(whole):
        found = cheapest(program, target, fits)
    if found is None or found[0].plan.size >= whole.plan.size:
        return Fitted(whole, compile_objects(whole, float_abi))
    lowered, patches = found
    layers, extra = patches.end - stage_begin(program), lowered.program.macs - program.macs
    return Fitted(lowered, compile_objects(lowered, float_abi), patches, layers, extra)
