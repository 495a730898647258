"""LSTM and GRU in one direction, from zeros, with the output of all steps: the same function."""

from __future__ import annotations

import numpy as np
import pytest
from frontend.graphs import apply, ops, parse

from edgeq.frontend.support import unsupported_reason
from edgeq.passes.normalize_recurrent import NormalizeRecurrent
from edgeq.passes.remove_dead import RemoveDead

STEPS, INPUTS, HIDDEN = 4, 3, 2
GATES = {"LSTM": 4, "GRU": 3}


def _constants(cell: str, directions: int) -> dict[str, np.ndarray]:
    rng, rows = np.random.default_rng(0), GATES[cell] * HIDDEN
    shapes = {"w": (directions, rows, INPUTS), "r": (directions, rows, HIDDEN), "b": (directions, 2 * rows)}
    state = np.zeros((directions, 1, HIDDEN), np.float32)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return arrays | {"zeros": state, "ones": state + 1}


def _graph(cell: str, direction: str, state: str = "zeros", outputs: str = "y, h") -> str:
    directions = 2 if direction == "bidirectional" else 1
    attributes = f'hidden_size = {HIDDEN}, direction = "{direction}"' + (", linear_before_reset = 1" * (cell == "GRU"))
    types = {"y": f"float[{STEPS},{directions},1,{HIDDEN}] y", "h": f"float[{directions},1,{HIDDEN}] h"}
    wanted = ", ".join(types[name] for name in outputs.split(", ") if name in types)
    return (
        f"g (float[{STEPS},1,{INPUTS}] x) => ({wanted}) {{ {outputs} = {cell}<{attributes}>(x, w, r, b, , {state}) }}"
    )


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_directions_and_last_states(cell: str, direction: str) -> None:
    model = parse(_graph(cell, direction), _constants(cell, 2 if direction == "bidirectional" else 1))
    made = apply(model, NormalizeRecurrent(), RemoveDead())
    cells = [node for node in made.graph if node.op_type == cell]
    assert len(cells) == (2 if direction == "bidirectional" else 1)
    assert all(unsupported_reason(node) is None for node in made.graph)
    assert not any(value.uses() for node in cells for value in node.outputs[1:])


def test_other_states_before_the_first_step_stay() -> None:
    model = apply(parse(_graph("GRU", "forward", "ones", "y"), _constants("GRU", 1)), NormalizeRecurrent())
    assert ops(model) == ["GRU"]
    assert "before the first step" in str(unsupported_reason(model.graph[0]))
