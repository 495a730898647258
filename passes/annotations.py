"""What passes leave on values and nodes (`.meta`) for the passes after them."""

from __future__ import annotations

RANGE_KEY = "edgeq.range"
"""The `Range` to quantize."""

OBSERVED_KEY = "edgeq.observed"
"""The `Range` of all values seen."""

BITS_KEY = "edgeq.bits"
"""The width of a value's integers where it is not the model's own."""

BLOCK_KEY = "edgeq.block"
"""Input channels that share a scale, in the weights of a node whose scales are blockwise."""

WEIGHT_BITS_KEY = "edgeq.weight_bits"
"""The width of a node's weights where it is not the model's own."""
