"""Patch-based inference: the first operators run strip by strip, so that no image of theirs is whole in memory.

After Lin et al. 2021, "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", sec. 3. Patches are
strips of whole rows: their parts of larger buffers are contiguous, so kernels need no strides, and strips of equal
height share theirs. The rows around a strip that its windows reach are computed again for each strip.

Patches have the widths of the whole program, and none by their values (QuantMCU: "Value-Driven Mixed-Precision
Quantization for Patch-Based Inference on Microcontrollers", 2024). Strips run one after another in the same memory,
which the widest of them needs: narrower ones save none, and a kernel for each width takes flash. Nor is there room: of
four strips of the first six feature maps of resnet8 and vww, on 16 samples each, none had fewer than 62 levels of int8,
and the range of a strip was 0.70 to 0.92 of its map's on average. 4 bits would change integers everywhere, as they do
for whole tensors, where `--activation-bits 4` has them.
"""

from edgeq.program.rewrites.patches.patch import Patches, patch
from edgeq.program.rewrites.patches.stage import stage_begin, stages

__all__ = ["Patches", "patch", "stage_begin", "stages"]
