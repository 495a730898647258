"""Runs a lowered program in this process: kernels compiled by LLVM for this computer, called one by one."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.lower.llvm import llvm_target
from edgeq.lower.tir_pipeline import lower_tir

if TYPE_CHECKING:
    from edgeq.lower.lowered import Argument, Kernel, KernelCall, Lowered
    from edgeq.program.ops import Op
    from edgeq.program.program import Buffer, Port
    from edgeq.targets.target import Target

Trace = Callable[[int, "Op", np.ndarray], None]


class HostRunner:
    """A program compiled for this computer.

    Args:
        lowered: Of the portable family: kernels of others may ask for instructions that this computer does not have.
    """

    def __init__(self, lowered: Lowered) -> None:
        self.program = lowered.program
        self._memory = _Memory(lowered)
        functions = load_kernels(lowered.kernels, lowered.target)
        self._calls = [(functions[c.symbol], self._memory.pointers(c), c.op) for c in lowered.calls]

    def run(self, inputs: Mapping[str, np.ndarray], *, trace: Trace | None = None) -> dict[str, np.ndarray]:
        """Runs the program, sample by sample.

        Args:
            inputs: By port name; each (samples, *port.shape), int8, uint8 or int16 as the port says.
            trace: Called after each kernel with its index, the op, and the buffer that it wrote, (1, *shape); the
                array is memory that later kernels write over.

        Returns:
            By port name, (samples, *port.shape).
        """
        count = len(next(iter(inputs.values())))
        results = [self._run({name: array[i] for name, array in inputs.items()}, trace) for i in range(count)]
        return {port.name: np.stack([r[port.name] for r in results]) for port in self.program.outputs}

    def _run(self, sample: Mapping[str, np.ndarray], trace: Trace | None) -> dict[str, np.ndarray]:
        buffers = self._memory.buffers
        for port in self.program.inputs:
            array = np.ascontiguousarray(sample[port.name]).view(buffers[port.buffer].dtype)
            buffers[port.buffer][...] = array.reshape(buffers[port.buffer].shape)
        for i, (function, pointers, op) in enumerate(self._calls):
            function(*pointers)
            if trace:
                trace(i, op, buffers[op.y][None])
        return {port.name: _port_array(port, buffers[port.buffer]) for port in self.program.outputs}


class _Memory:
    """The arena, the constants, and the caller's side of the ports."""

    def __init__(self, lowered: Lowered) -> None:
        self.arena = np.zeros(lowered.plan.size, np.uint8)
        self.offsets = lowered.plan.offsets
        self.constants = {c.symbol: c.data for c in lowered.constants}
        self.buffers: dict[str, np.ndarray] = {}
        for b in sorted(lowered.program.buffers, key=lambda b: b.base is not None):
            self.buffers[b.name] = self._elements(b, lowered.plan.offsets).reshape(b.shape)

    def _elements(self, buffer: Buffer, offsets: Mapping[str, int]) -> np.ndarray:
        if buffer.data is not None:
            return buffer.data
        if buffer.base is not None:
            return self.buffers[buffer.base].reshape(-1)[buffer.offset :][: buffer.size]
        if buffer.name in offsets:
            return self.arena[offsets[buffer.name] :][: buffer.nbytes].view(buffer.dtype)
        return np.zeros(buffer.size, buffer.dtype)

    def pointers(self, call: KernelCall) -> list[ctypes.c_void_p]:
        """What the kernel of a call is given."""
        return [ctypes.c_void_p(self._array(a).ctypes.data) for a in call.arguments]

    def _array(self, argument: Argument) -> np.ndarray:
        if argument.kind == "scratch":
            return self.arena[self.offsets[argument.name] :]
        return (self.constants if argument.kind == "constant" else self.buffers)[argument.name]


def _port_array(port: Port, array: np.ndarray) -> np.ndarray:
    return array.reshape(port.shape).view(np.uint8 if port.unsigned else array.dtype).copy()


def load_kernels(kernels: Iterable[Kernel], target: Target) -> dict[str, Callable[..., None]]:
    """Compiles kernels into this process. Returns Python functions by symbol, which take one pointer per parameter."""
    from tvm import tirx
    from tvm.target.codegen import build_module

    kernels = tuple(kernels)
    here = replace(target, triple=_triple(), cpu=_cpu(), llvm_features=(), llvm_abi="", float_abis=())
    tvm_target = llvm_target(here, aliasing=True)
    module = tirx.transform.MakePackedAPI()(lower_tir(kernels, tvm_target.with_host(tvm_target)))
    library = build_module(tirx.transform.LowerIntrin()(module), tvm_target)
    return {kernel.symbol: library[kernel.symbol] for kernel in kernels}


def _triple() -> str:
    return f"{platform.machine()}-linux-gnu"


def _cpu() -> str:
    """LLVM's name for this CPU, as far as it matters: whether it has 256-bit integer vectors."""
    if platform.machine() != "x86_64":
        return "generic"
    info = Path("/proc/cpuinfo")
    return "x86-64-v3" if info.exists() and " avx2 " in info.read_text() else "x86-64"
