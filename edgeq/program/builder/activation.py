"""Fused activations: what stands between an anchor operator and its QuantizeLinear becomes clamp limits or slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.program.builder.context import attribute, constant_array, node_name
from edgeq.program.ops import Requantize
from edgeq.quant.fixed_point import round_half_up, to_multiplier
from edgeq.quant.qparams import QuantParams
from edgeq.quant.scheme import CLAMPS, SLOPES

if TYPE_CHECKING:
    import onnx_ir as ir

ACTIVATIONS = CLAMPS | SLOPES


@dataclass(frozen=True, eq=False)
class Activation:
    """y = clip(v if v >= 0 else slope * v, lo, hi), in real numbers.

    Attributes:
        slope: One, or one per output channel; None where negative values keep their slope.
    """

    lo: float = -np.inf
    hi: float = np.inf
    slope: np.ndarray | None = None

    def limits(self, y: QuantParams) -> tuple[int, int]:
        """The clamp on the output's integers."""
        lo, hi = np.clip([self.lo / y.scale + y.zero_point, self.hi / y.scale + y.zero_point], y.qmin, y.qmax)
        return int(round_half_up(lo)), int(round_half_up(hi))

    def requantize(self, real: np.ndarray | float, y: QuantParams, *, right: int = 0) -> Requantize:
        """The requantization by real multipliers `real` (one, or one per channel), this activation fused.

        Args:
            right: Rounding pre-shift that the accumulator needs to fit int32.
        """
        real = np.atleast_1d(np.asarray(real, np.float64)) * 2.0**right
        slopes = None if self.slope is None else np.broadcast_to(real * self.slope, real.shape)
        both = real if slopes is None else np.concatenate([real, slopes])
        m, left = to_multiplier(both)
        lo, hi = self.limits(y)
        negative = None if slopes is None else m[len(real) :]
        return Requantize(m[: len(real)], y.zero_point, lo, hi, left, right, negative)


def read_activations(nodes: list[ir.Node]) -> Activation:
    """Merges the activation nodes between an anchor and its QuantizeLinear, in order of execution."""
    result = Activation()
    for node in nodes:
        step = read_activation(node)
        if step.slope is not None and (len(nodes) > 1):
            raise UnsupportedError(
                f"{node.op_type} cannot be fused together with another activation",
                node=node_name(node),
                fix="quantize the tensor between the two activations",
            )
        lo, hi = np.clip([result.lo, result.hi], step.lo, step.hi)
        result = Activation(float(lo), float(hi), step.slope)
    return result


def read_activation(node: ir.Node) -> Activation:
    """One Relu, Clip, LeakyRelu or PRelu node."""
    match node.op_type:
        case "Relu":
            return Activation(lo=0.0)
        case "Clip":
            bounds = [constant_array(v) for v in (*node.inputs[1:], None, None)[:2]]
            lo, hi = (float(default if b is None else b) for b, default in zip(bounds, (-np.inf, np.inf), strict=True))
            return Activation(lo, hi)
        case "LeakyRelu":
            return Activation(slope=np.array([float(attribute(node, "alpha", 0.01))]))  # type: ignore[arg-type]
        case _:
            slope = constant_array(node.inputs[1])
            if slope is None:
                raise UnsupportedError("PRelu needs a constant slope", node=node_name(node))
            return Activation(slope=slope.astype(np.float64).reshape(-1))
