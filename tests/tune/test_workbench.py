"""Trials are what the compiler makes: the same model, the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

import edgeq
from edgeq.config import SYNTHETIC, Config
from edgeq.errors import UsageError
from edgeq.progress import silent
from edgeq.quantizer import DISTILLED_SAMPLES, quantize
from edgeq.search.space import Allocation, Space
from edgeq.tune.allocating import configured, layer_widths
from edgeq.tune.setup import Setup, prepare
from edgeq.tune.workbench import Rival, Workbench


def some(space: Space, count: int = 4) -> list[Allocation]:
    rng = np.random.default_rng(1)
    return [space.default(), *(space.sample(rng) for _ in range(count - 1))]


def narrow_knob(space: Space, layer: int) -> str:
    return [knob.name for knob in space.knobs if knob.option == "weight_bits"][layer]


def test_the_space_has_each_width_of_each_layer_and_the_global_knobs(space: Space) -> None:
    values = {knob.name: knob.values for knob in space.knobs}
    assert values["weight_bits:node_conv2d"] == (8, 4, 2)
    assert values["activation_bits:node_conv2d"] == (8, 16, 4)
    assert values["scheme"] == ("asymmetric", "symmetric", "symmetric_unsigned", "power_of_two")
    assert {knob.option for knob in space.knobs} == {
        *("calibration_samples", "calibration_method", "scheme", "granularity", "rounding", "correct_bias"),
        *("weight_bits", "activation_bits"),
    }


def test_attention_has_facts_and_no_weights_to_choose(repo_root: Path, digits: Any) -> None:
    model = repo_root / "examples/digits/vit.onnx"
    bench = Workbench(prepare(model, Config(calib=digits.calib, eval=digits.eval)))
    names = {knob.name for knob in bench.space().knobs if knob.option == "weight_bits"}
    products = {f"weight_bits:{node.name}" for node in bench.reference.graph if node.op_type == "MatMul"}
    assert products and not names & products
    assert {f"weight_bits:{layer.name}" for layer in bench.layers()} >= names


def test_a_search_needs_no_calibration_data_where_the_model_has_statistics(
    bench: Workbench, space: Space, digits: Any
) -> None:
    """ZeroQ's claim: distilled samples tell the layers that bear two bits from those that do not, as real ones do."""
    setup = prepare(digits.model, Config(calib=SYNTHETIC, eval=digits.eval))
    assert len(setup.calib) == DISTILLED_SAMPLES
    dataless, default = Workbench(setup), space.default()
    narrow = [default.replace({knob.name: 2}) for knob in space.knobs if knob.option == "weight_bits"]
    real, synthetic = ([found.probe(allocation) for allocation in narrow] for found in (bench, dataless))
    assert np.corrcoef(np.log(real), np.log(synthetic))[0, 1] > 0.9, "losses span a factor of ten; near ties may swap"
    order = np.argsort(synthetic)
    few, many = (
        dataless.measure_held(default.replace({narrow_knob(space, int(i)): 2 for i in chosen})).quantized
        for chosen in (order[: len(order) // 2], order[len(order) // 2 :])
    )
    assert few > many


def test_a_trial_has_the_model_that_the_compiler_makes(bench: Workbench, space: Space, digits: Any) -> None:
    config = Config(calib=digits.calib, preset="fast")
    for allocation in some(space):
        made = quantize(digits.model, configured(config, allocation), silent).model
        tried = bench._quantizing.model(configured(bench.setup.config, allocation))
        assert nodes(tried) == nodes(made)


def nodes(model: ir.Model) -> list[tuple[str, list[bytes]]]:
    """Operators with the bytes of their constants."""
    return [
        (node.op_type, [v.const_value.tobytes() for v in node.inputs if v is not None and v.const_value is not None])
        for node in model.graph
    ]


def test_costs_are_those_of_the_package(bench: Workbench, space: Space, digits: Any, tmp_path: Path) -> None:
    """Weights to the byte; code and stack by form, without the numbers in it."""
    allocation = space.default().replace({"weight_bits:node_conv2d_1": 4, "activation_bits:node_conv2d": 4})
    options = {"preset": "fast", "layers": layer_widths(allocation), "out": tmp_path / "digits"}
    memory = edgeq.compile(digits.model, calibration=digits.calib, **options).report["memory"]
    cost = bench.cost(allocation)
    assert cost.weights == memory["flash_bytes"]["weights"]
    assert cost.ram == pytest.approx(memory["ram_bytes"]["total"], abs=64)
    assert cost.flash == pytest.approx(memory["flash_bytes"]["total"], rel=0.01)


def test_the_cost_known_before_a_trial_is_that_of_its_model(bench: Workbench, space: Space) -> None:
    """Rounding, calibration and biases change numbers alone; two kernels may become one, or a zero point vanish."""
    for allocation in some(space):
        known, tried = bench.cost(allocation), bench.run(allocation, ()).outcome.cost
        assert (known.weights, known.ram, known.cycles) == (tried.weights, tried.ram, tried.cycles)
        assert known.flash == pytest.approx(tried.flash, rel=0.01)


def test_allocations_that_differ_in_numbers_are_costed_once(bench: Workbench, space: Space) -> None:
    default = space.default()
    bench.cost(default)
    numbers = {"calibration_method": "minmax", "rounding": "nearest", "correct_bias": False}
    assert bench.knows(default.replace(numbers), probed=False)
    other = {"granularity": "tensor", "scheme": "power_of_two"}
    assert not Workbench(bench.setup).knows(default.replace(other), probed=False)


def test_a_trial_that_a_rival_surely_beats_is_stopped(bench: Workbench, space: Space) -> None:
    narrow = space.default().replace({knob.name: 2 for knob in space.knobs if knob.option == "weight_bits"})
    whole = bench.run(narrow, [])
    assert not whole.stopped and whole.outcome.samples == len(bench.setup.seen)
    stopped = bench.run(narrow, [Rival(whole.outcome.cost, whole.outcome.loss / 100)])
    assert stopped.stopped and stopped.outcome.samples < whole.outcome.samples
    dearer = replace(whole.outcome.cost, flash=whole.outcome.cost.flash + 1)
    assert not bench.run(narrow, [Rival(dearer, 0.0)]).stopped


def test_accuracy_is_reported_on_samples_that_no_trial_sees(setup: Setup, bench: Workbench, space: Space) -> None:
    seen, held = ({row.tobytes() for row in next(iter(data.inputs.values()))} for data in (setup.seen, setup.held))
    assert not seen & held
    assert bench.measure_held(space.default()).samples == len(setup.held)


def test_probes_use_calibration_data_and_are_remembered(bench: Workbench, space: Space) -> None:
    narrow = space.default().replace({"weight_bits:node_conv2d_1": 2})
    assert bench.probe(narrow) > bench.probe(space.default()) >= 0
    assert bench.probe(narrow) == bench.probe(narrow)


def test_what_others_surveyed_is_not_looked_at_again(bench: Workbench, space: Space) -> None:
    narrow = space.default().replace({"weight_bits:node_conv2d_1": 2})
    other = Workbench(bench.setup)
    other.remember(narrow, bench.survey(narrow, probed=False))
    assert other.knows(narrow, probed=False) and not other.knows(narrow, probed=True)
    found = bench.survey(narrow, probed=True)
    other.remember(narrow, found)
    assert other.knows(narrow, probed=True)
    assert (other.cost(narrow), other.probe(narrow)) == (found.cost, found.loss)


def test_layers_are_described(bench: Workbench) -> None:
    layers = {layer.name: layer for layer in bench.layers()}
    conv = layers["node_conv2d"]
    assert conv.macs == 9216
    assert conv.weight is not None and conv.weight.shape == (16, 1, 3, 3)
    assert conv.inputs.shape[2:] == (1, 8, 8) and (conv.outputs >= 0).all()


def test_setups_are_told_apart_by_all_that_trials_depend_on(setup: Setup, digits: Any) -> None:
    again = prepare(
        digits.model, Config(calib=digits.calib, eval=digits.eval, out=Path("elsewhere"), target="cortex-m")
    )
    assert again.key == setup.key
    assert replace(setup, seen=setup.held).key != setup.key
    assert replace(setup, config=replace(setup.config, target="host")).key != setup.key


def test_a_programmable_device_is_refused(digits: Any) -> None:
    with pytest.raises(UsageError, match="fpga-hls is none"):
        prepare(digits.model, Config(calib=digits.calib, eval=digits.eval, target="fpga-hls"))


@pytest.mark.parametrize("missing", ["calib", "eval"])
def test_a_search_needs_both_data(digits: Any, missing: str) -> None:
    config = replace(Config(calib=digits.calib, eval=digits.eval), **{missing: None})
    with pytest.raises(UsageError, match=f"needs --{missing}"):
        prepare(digits.model, config)
