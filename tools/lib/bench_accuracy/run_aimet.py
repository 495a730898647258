"""aimet-onnx: min-max calibration; cross-layer equalization, sequential MSE search and AdaRound of weights."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import aimet_onnx
import onnx
import onnxsim
from aimet_onnx.batch_norm_fold import fold_all_batch_norms_to_weight
from aimet_onnx.cross_layer_equalization import equalize_model

from bench_accuracy.job import Job, Predict, work
from bench_accuracy.wide import wide_tensors
from bench_accuracy.zoo import load_inputs

TYPES = {8: aimet_onnx.int8, 4: aimet_onnx.int4, 2: aimet_onnx.int2}
ADAROUND_ITERATIONS = 2000
CONFIGS = files("aimet_onnx.common.quantsim_config")
CONFIG_NAMES = {True: "default_config_per_channel.json", False: "default_config.json"}


def quantize(job: Job) -> Predict:
    """AdaRound follows the sequential MSE search, as aimet recommends at low widths."""
    model, _ = onnxsim.simplify(onnx.load(job.model))
    if job.method == "cle":
        equalize_model(model)
    else:
        fold_all_batch_norms_to_weight(model)
    name = load_inputs(Path(job.calib))[0]
    feeds = [{name: batch} for batch in job.batches()]
    sim = _simulation(model, job)
    if job.method in ("seqmse", "adaround"):
        aimet_onnx.apply_seq_mse(sim, feeds)
    if job.method == "adaround":
        aimet_onnx.apply_adaround(sim, feeds, num_iterations=ADAROUND_ITERATIONS)
    sim.compute_encodings(feeds)
    return lambda samples: sim.session.run(None, {name: samples})[0]


def _simulation(model: onnx.ModelProto, job: Job) -> aimet_onnx.QuantizationSimModel:
    wide = wide_tensors(model)
    sim = aimet_onnx.QuantizationSimModel(
        model,
        param_type=TYPES[job.weight_bits],
        activation_type=TYPES[job.activation_bits],
        config_file=str(CONFIGS / CONFIG_NAMES[job.per_channel]),
    )
    _set_width((sim.qc_quantize_op_dict[name] for name in wide if name in sim.qc_quantize_op_dict), 8)
    return sim


def _set_width(quantizers: Iterable[object], bits: int) -> None:
    for quantizer in quantizers:
        quantizer.set_bitwidth(bits)


if __name__ == "__main__":
    work(quantize)
