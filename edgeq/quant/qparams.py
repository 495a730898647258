"""Ranges, quantization parameters, and the scales of weights. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Scheme = Literal["asymmetric", "symmetric", "symmetric_unsigned", "power_of_two"]
"""How a range becomes parameters: see `QuantParams.from_range`."""

MIN_SCALE = 2.0**-100
"""Smallest scale that is ever chosen: the product of two of them, times 2^-16, is still a normal float32."""


@dataclass(frozen=True)
class Range:
    """The closed interval that a float tensor's values lie in; both ends finite, lo <= hi."""

    lo: float
    hi: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lo) and math.isfinite(self.hi) and self.lo <= self.hi):
            raise ValueError(f"not a range: {self.lo} to {self.hi}")


@dataclass(frozen=True)
class QuantParams:
    """The affine map between integers and reals: real = scale * (integer - zero_point), per tensor.

    Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", CVPR 2018, section 2.1, equation 1.

    Attributes:
        scale: Positive, exactly representable in float32 (ONNX stores float32).
        zero_point: The integer that stands for the real number 0.
        bits: Width of the signed integers.
    """

    scale: float
    zero_point: int
    bits: int = 8

    def __post_init__(self) -> None:
        if not (0.0 < self.scale < math.inf and float(np.float32(self.scale)) == self.scale):
            raise ValueError(f"scale {self.scale!r} is not a positive float32")
        if not self.qmin <= self.zero_point <= self.qmax:
            raise ValueError(f"zero point {self.zero_point} is outside {self.qmin}..{self.qmax}")

    @property
    def qmin(self) -> int:
        """Smallest integer."""
        return -(1 << (self.bits - 1))

    @property
    def qmax(self) -> int:
        """Largest integer."""
        return (1 << (self.bits - 1)) - 1

    @property
    def reach(self) -> int:
        """Largest distance of an integer from the zero point."""
        return max(self.zero_point - self.qmin, self.qmax - self.zero_point)

    @property
    def range(self) -> Range:
        """The real numbers of the smallest and the largest integer."""
        return Range((self.qmin - self.zero_point) * self.scale, (self.qmax - self.zero_point) * self.scale)

    @classmethod
    def from_range(cls, lo: float, hi: float, *, bits: int = 8, scheme: Scheme = "asymmetric") -> QuantParams:
        """The finest parameters whose integers cover lo..hi, which is first widened to contain 0.

        Zero must be exact, because padding and ReLU produce it (Jacob et al. 2018, section 2.1). A range without
        extent says nothing about magnitudes and gets the scale 1.

        Args:
            lo, hi: The range to cover, lo <= hi.
            bits: Width of the signed integers.
            scheme: `asymmetric`: any zero point. `symmetric`: zero point 0, and the most negative integer unused
                (Krishnamoorthi, arXiv:1806.08342, 2018, section 2.2). `symmetric_unsigned`: the same, but all integers
                from 0 where nothing is negative and integers are narrow (Lee et al., "Quantune", Future Generation
                Computer Systems, 2022, section 4.2). `power_of_two`: that with a power of two for the scale (Jain et
                al., "Trained Quantization Thresholds", MLSys 2020, section 3.1).
        """
        lo, hi = min(lo, 0.0), max(hi, 0.0)
        qmin, qmax = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        one_sided = scheme == "asymmetric" or (scheme != "symmetric" and lo == 0.0 and bits <= 8)
        extent, steps = (hi - lo, qmax - qmin) if one_sided else (max(-lo, hi), qmax)
        scale = float(np.float32(extent / steps))
        if scale < MIN_SCALE:
            return cls(1.0, 0, bits)
        if scheme == "power_of_two":
            scale = 2.0 ** math.ceil(math.log2(extent / steps))
        zero_point = min(max(round(qmin - lo / scale), qmin), qmax) if one_sided else 0
        return cls(scale, zero_point, bits)

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """Integers nearest to `real`, halves to even, saturated: ONNX's QuantizeLinear, in float32 as there.

        Returns:
            int8 for up to 8 bits, int16 above; the shape of `real`.
        """
        steps = np.rint(np.asarray(real, np.float32) / np.float32(self.scale))
        integers = np.clip(steps.astype(np.float64) + self.zero_point, self.qmin, self.qmax)
        return integers.astype(np.int8 if self.bits <= 8 else np.int16)

    def dequantize(self, integers: np.ndarray) -> np.ndarray:
        """The float32 numbers that `integers` stand for: ONNX's DequantizeLinear."""
        return (np.asarray(integers, np.int32) - self.zero_point).astype(np.float32) * np.float32(self.scale)


def weight_scales(
    weight: np.ndarray,
    axis: int | None,
    bits: int,
    *,
    bias: np.ndarray | None = None,
    input_scale: float | None = None,
    output_scale: float | None = None,
    input_bits: int = 8,
) -> np.ndarray:
    """Scales of symmetric weights: sw = max(max|w| / qmax, |b| / (sx * 2^29), (sy / sx) * 2^-16) per output channel.

    - `max|w| / qmax`: the largest weight meets the largest integer (Krishnamoorthi 2018, section 3.1.1).
    - `|b| / (sx * 2^29)`: the bias is stored as int32 in the scale sx * sw; 2^29 leaves the accumulator two bits
      of room beside it. Matters where a channel's weights are almost zero but its bias is not.
    - `(sy / sx) * 2^-16`: the multiplier M = sx * sw / sy stays at 2^-16 or more, so that its 31-bit fixed-point
      form keeps 15 significant bits. Such weights round to zero, and the channel is its bias. Behind an input of 16
      bits, whose scale is 2^8 times finer, the bound is 2^-24: its accumulator is shifted instead.

    Args:
        weight: Any shape, finite.
        axis: Of the output channels; None for one scale that satisfies all of them.
        bits: Width of the weights.
        bias: (channels,) or (1,), or None.
        input_scale: sx; needed by the second and third term.
        output_scale: sy; needed by the third.
        input_bits: Width of the input.

    Returns:
        float32, (channels,); of shape () where `axis` is None.
    """
    qmax = (1 << (bits - 1)) - 1
    magnitudes = np.abs(np.asarray(weight, np.float64))
    channels = magnitudes.reshape(1, -1) if axis is None else np.moveaxis(magnitudes, axis, 0)
    rows = channels.reshape(len(channels), -1)
    scales = rows.max(axis=1, initial=0.0) / qmax
    if input_scale is not None and bias is not None:
        reach = np.abs(np.asarray(bias, np.float64)).reshape(-1) / (input_scale * 2.0**29)
        scales = np.maximum(scales, reach.max(initial=0.0) if axis is None else reach)
    if input_scale is not None and output_scale is not None:
        scales = np.maximum(scales, output_scale / input_scale * 2.0 ** (-24 if input_bits > 8 else -16))
    scales = np.maximum(scales, MIN_SCALE).astype(np.float32)
    return scales.reshape(()) if axis is None else scales
