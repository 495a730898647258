"""Patch-based inference: the first operators run strip by strip, so that no image of theirs is whole in memory.

After Lin et al. 2021, "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", sec. 3. Patches are
strips of whole rows: their parts of larger buffers are contiguous, so kernels need no strides, and strips of equal
height share theirs. The rows around a strip that its windows reach are computed again for each strip. Widths are those
of the whole program: patches have none of their own.
"""

from edgeq.program.rewrites.patches.patch import Patches, patch
from edgeq.program.rewrites.patches.stage import stage_begin, stages

__all__ = ["Patches", "patch", "stage_begin", "stages"]
