"""Rounding for what the network makes of a layer's errors, not for the least of them."""

from __future__ import annotations

import numpy as np

from edgeq.reconstruct.quadratic import Points, Quadratic, damped

DAMPING = 0.1
"""Share of the mean diagonal that is added to a coupling: few samples say little about small directions."""

SWEEPS = 2
"""Walks through all outputs."""


SHARE = 0.5
"""Of the network's sensitivity in a blend: gradients of few samples miss directions that other samples need."""


def blend(hessian: np.ndarray, sensitivity: np.ndarray) -> np.ndarray:
    """The covariance of inputs and the sensitivity of the network to them, (groups, inputs, inputs), as one metric.

    Both scaled to the same trace, over all groups: a row by itself says what changes the layer's output, positions of
    a sample together what is left of it behind pooling.
    """
    own, whole = (float(np.trace(part, axis1=1, axis2=2).sum()) for part in (hessian, sensitivity))
    return hessian if whole == 0 else (1 - SHARE) * hessian + SHARE * own / whole * sensitivity


def improve_together(problem: Quadratic, coupling: np.ndarray, points: Points) -> Points:
    """Lessens tr(G D H D^T), D = q*s - W, output after output.

    Given the errors D_p of the others, the form is that of output o alone, its weights moved by what the others do to
    it already: W_o - sum_{p != o} (G_op / G_oo) D_p. Declines (returns the start) where outputs share one scale, and
    where a group has one output.

    Sources: the form: Martens and Grosse, "Optimizing Neural Networks with Kronecker-factored Approximate Curvature",
    ICML 2015, section 3; rounding in it: Tseng et al., "Model-Preserving Adaptive Rounding", 2025, sections 3 and 4
    (there by feedback along an LDL decomposition, here by descent).

    Args:
        coupling: G, positive semidefinite, float64, (groups, outputs, outputs).
        points: One candidate.
    """
    if problem.shared or coupling.shape[-1] == 1:
        return points
    coupling = damped(coupling, DAMPING)
    integers, scale = points.integers[0].astype(np.float64), points.scale[0].astype(np.float64)
    error = integers * scale[..., None] - problem.weight
    for _ in range(SWEEPS):
        for o in range(integers.shape[1]):
            one = slice(o, o + 1)
            own = coupling[:, one, one]
            others = coupling[:, one] @ error - own * error[:, one]
            alone = Quadratic(
                problem.weight[:, one] - others / own, problem.hessian, problem.floor[:, one], problem.limits, False
            )
            found = alone.improve(Points(integers[None, :, one], scale[None, :, one]))
            integers[:, one], scale[:, one] = found.integers[0], found.scale[0]
            error[:, one] = integers[:, one] * scale[:, one, None] - problem.weight[:, one]
    return Points(integers[None], scale[None])
