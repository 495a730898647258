"""What calibration leaves on values (`ir.Value.meta`) for the passes after it."""

from __future__ import annotations

RANGE_KEY = "edgeq.range"
"""The `Range` to quantize."""

OBSERVED_KEY = "edgeq.observed"
"""The `Range` of all values seen."""

BITS_KEY = "edgeq.bits"
"""The width of the integers where it is not the model's own."""
