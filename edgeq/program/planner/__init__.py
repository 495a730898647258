"""Static memory plan: an offset in the arena for every buffer that does not live in the caller's memory or in flash."""

from edgeq.program.planner.blocks import arena_buffers
from edgeq.program.planner.overlap import in_place_operands, is_dense, row_distance, step_distance
from edgeq.program.planner.plan import ALIGNMENT, Plan
from edgeq.program.planner.plan_arena import arena_bound, plan_arena

__all__ = [
    "ALIGNMENT",
    "Plan",
    "arena_bound",
    "arena_buffers",
    "in_place_operands",
    "is_dense",
    "plan_arena",
    "row_distance",
    "step_distance",
]
