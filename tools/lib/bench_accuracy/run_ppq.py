"""esp-ppq: percentile calibration; equalization with bias correction; learned step sizes (LSQ)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxsim
import torch
from esp_ppq import QuantizationSettingFactory, TargetPlatform, TorchExecutor
from esp_ppq.api import quantize_onnx_model
from esp_ppq.api.setting import QuantizationSetting
from esp_ppq.core import (
    OperationQuantizationConfig,
    QuantizationPolicy,
    QuantizationProperty,
    QuantizationStates,
    TensorQuantizationConfig,
)
from esp_ppq.IR import Operation
from esp_ppq.lib import register_network_quantizer
from esp_ppq.quantization.quantizer import OnnxruntimeQuantizer

from bench_accuracy.job import BATCH, Job, Predict, work
from bench_accuracy.wide import wide_tensors

WEIGHTED = ("Conv", "Gemm", "MatMul", "PPQBiasFusedMatMul")
OUTPUT_AXIS = {"Conv": 0, "Gemm": 0, "MatMul": 1, "PPQBiasFusedMatMul": 1}
LINEAR = QuantizationProperty.LINEAR
PER_TENSOR = QuantizationPolicy(QuantizationProperty.SYMMETRICAL + LINEAR + QuantizationProperty.PER_TENSOR)
PER_CHANNEL = QuantizationPolicy(QuantizationProperty.SYMMETRICAL + LINEAR + QuantizationProperty.PER_CHANNEL)


def quantize(job: Job) -> Predict:
    """esp-ppq has no platform of these widths; it offers quantizers of one's own for that, which this registers."""
    model, _ = onnxsim.simplify(onnx.load(job.model))
    file = Path(job.scratch) / "simplified.onnx"
    onnx.save(model, file)
    register_network_quantizer(_quantizer_of(job, wide_tensors(model)), TargetPlatform.EXTENSION)
    batches = [torch.from_numpy(batch) for batch in job.batches()]
    graph = quantize_onnx_model(
        onnx_import_file=str(file),
        calib_dataloader=batches,
        calib_steps=len(batches),
        input_shape=[BATCH, *batches[0].shape[1:]],
        platform=TargetPlatform.EXTENSION,
        setting=_setting(job.method),
        device="cpu",
    )
    executor = TorchExecutor(graph=graph, device="cpu")

    def predict(samples: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return executor.forward(torch.from_numpy(samples))[0].numpy()

    return predict


def _setting(method: str) -> QuantizationSetting:
    setting = QuantizationSettingFactory.default_setting()
    setting.equalization = setting.bias_correct = method == "cle_bc"
    setting.lsq_optimization = method == "lsq"
    setting.lsq_optimization_setting.collecting_device = "cpu"
    return setting


def _quantizer_of(job: Job, wide: set[str]) -> type:
    """A quantizer class for the job's widths.

    Args:
        wide: Tensors that keep 8 bits.
    """

    class Quantizer(OnnxruntimeQuantizer):
        """Symmetric activations and weights, as on all platforms of esp-ppq itself; float biases."""

        def init_quantize_config(self, operation: Operation) -> OperationQuantizationConfig:
            config = super().init_quantize_config(operation)
            _set_activations(operation, config, job.activation_bits, wide)
            if operation.type in WEIGHTED and operation.inputs[1].is_parameter:
                _set_weight(config.input_quantization_config[1], job, OUTPUT_AXIS[operation.type])
                if operation.num_of_input > 2:
                    config.input_quantization_config[2].state = QuantizationStates.FP32
            return config

        @property
        def quant_operation_types(self) -> set[str]:
            return super().quant_operation_types | set(WEIGHTED)

    return Quantizer


def _set_activations(operation: Operation, config: OperationQuantizationConfig, bits: int, wide: set[str]) -> None:
    inputs = zip(operation.inputs, config.input_quantization_config, strict=True)
    outputs = zip(operation.outputs, config.output_quantization_config, strict=True)
    for variable, tensor in [*inputs, *outputs]:
        if not variable.is_parameter:
            _set_width(tensor, 8 if variable.name in wide else bits)


def _set_weight(tensor: TensorQuantizationConfig, job: Job, axis: int) -> None:
    _set_width(tensor, job.weight_bits)
    tensor.observer_algorithm = "minmax"
    if job.per_channel:
        tensor.policy = PER_CHANNEL
        tensor.channel_axis = axis


def _set_width(tensor: TensorQuantizationConfig, bits: int) -> None:
    tensor.policy = PER_TENSOR
    tensor.num_of_bits, tensor.quant_min, tensor.quant_max = bits, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


if __name__ == "__main__":
    work(quantize)
