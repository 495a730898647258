"""The table of this family: how each instruction set multiplies bytes and adds the products up.

A product takes two vectors of equal length and adds, in each lane of 32 bits, `depth` neighbouring products to the
lane's sum. Everything else (which windows meet which weights, requantization) is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from tvm.script import tirx as T
from tvm.target.codegen import llvm_lookup_intrinsic_id

if TYPE_CHECKING:
    from tvm.tirx import Buffer, Expr

    from edgeq.targets.target import Target

Multiply = Callable[["Expr", "Expr", "Expr"], "Expr"]

Element = Literal["int8", "uint8", "int16"]
"""Of the inputs of products; `uint8` holds x + 128."""


@cache
def intrinsic(name: str) -> int:
    """LLVM's number of an intrinsic."""
    return int(llvm_lookup_intrinsic_id(name))


def itemsize(element: Element) -> int:
    """Bytes of an element."""
    return 2 if element == "int16" else 1


def converted(value: Expr, element: Element, lanes: int = 1) -> Expr:
    """int8 as elements: one, or a vector of `lanes`."""
    vector = f"x{lanes}" if lanes > 1 else ""
    if element == "uint8":
        top = T.Broadcast(T.int8(-128), lanes) if lanes > 1 else T.int8(-128)
        return T.Cast(f"uint8{vector}", T.bitwise_xor(value, top))
    return T.Cast(f"{element}{vector}", value)


@dataclass(frozen=True)
class Product:
    """One multiply-accumulate, as kernels use it.

    Attributes:
        lanes: Sums of a vector.
        depth: Products that are added to a sum.
        element: Type of its inputs.
        operand: Type of its weights; they are stored as int8.
        registers: Vectors of sums that a block of pixels and channels may have.
        multiply: (int32 x lanes, inputs, weights) to int32 x lanes; wraps.
        pixels: Pixels whose sums share a vector: 2 for matrix instructions, whose lanes are pixel times channel.
    """

    lanes: int
    depth: int
    element: Element
    operand: Literal["int8", "int16"]
    registers: int
    multiply: Multiply
    pixels: int = 1

    @property
    def channels(self) -> int:
        """Channels of a vector of sums."""
        return self.lanes // self.pixels

    @property
    def length(self) -> int:
        """Elements of a vector of weights: those of `channels` channels."""
        return self.channels * self.depth

    @property
    def offset(self) -> int:
        """What was added to each input."""
        return 128 if self.element == "uint8" else 0

    def weights(self, table: Buffer, index: Expr) -> Expr:
        """The vector of weights at table[index]."""
        stored = table[T.Ramp(index, 1, self.length)]
        return stored if self.operand == "int8" else T.Cast(f"{self.operand}x{self.length}", stored)

    def neighbours(self, x: Buffer, index: Expr) -> Expr:
        """Inputs of different channels: `depth` each, from x[index] on."""
        return x[T.Ramp(index, 1, self.length)]

    def shared(self, x: Buffer, indices: list[Expr]) -> Expr:
        """`depth` inputs of each of `pixels` pixels, which meet the weights of every channel.

        Args:
            indices: In x, by pixel.
        """
        if self.depth == 1:
            return T.Broadcast(x[indices[0]], self.lanes)
        word = f"int{8 * self.depth * itemsize(self.element)}"
        words = [T.reinterpret(word, x[T.Ramp(index, 1, self.depth)]) for index in indices]
        if self.pixels == 1:
            vector = T.Broadcast(words[0], self.lanes)
        else:
            vector = T.Shuffle(words, [T.int32(i) for i in range(self.pixels)])
        return T.reinterpret(f"{self.element}x{self.lanes * self.depth // self.pixels}", vector)


def _widened(acc: Expr, x: Expr, w: Expr) -> Expr:
    """One product a lane, of halves: SMLAL of Neon, VWMACC of RISC-V."""
    wide = str(acc.ty.dtype)
    return acc + T.Cast(wide, x) * T.Cast(wide, w)


def _pmaddwd(acc: Expr, x: Expr, w: Expr) -> Expr:
    """Pairs of products of halves: AVX2 has none of bytes that would not saturate."""
    return acc + T.call_llvm_pure_intrin(intrinsic("llvm.x86.avx2.pmadd.wd"), x, w, dtype="int32x8")


def _accumulating(name: str) -> Multiply:
    """An instruction that adds to its first operand."""

    def multiply(acc: Expr, x: Expr, w: Expr) -> Expr:
        return T.call_llvm_pure_intrin(intrinsic(name), acc, x, w, dtype=str(acc.ty.dtype))

    return multiply


VNNI = Product(16, 4, "uint8", "int8", 24, _accumulating("llvm.x86.avx512.vpdpbusd.512"))
AVX2 = Product(8, 2, "int16", "int16", 12, _pmaddwd)
SDOT = Product(4, 4, "int8", "int8", 24, _accumulating("llvm.aarch64.neon.sdot"))
SMMLA = Product(4, 8, "int8", "int8", 24, _accumulating("llvm.aarch64.neon.smmla"), pixels=2)
NEON = Product(8, 1, "int16", "int16", 8, _widened)
RVV = Product(8, 1, "int16", "int16", 8, _widened)

LANES = {"vnni": VNNI, "avx2": AVX2, "neon": NEON, "rvv": RVV}
"""By feature, the preferred first: products that sum channel by channel, as depthwise kernels need them."""

MATRICES = {"i8mm": SMMLA, "dotprod": SDOT} | LANES
"""The same where all channels share inputs. (Depthwise, interleaving bytes for SDOT costs more than it saves.)"""


def lane_product(target: Target) -> Product:
    """The product that sums channel by channel."""
    return next(product for feature, product in LANES.items() if feature in target.features)


def matrix_product(target: Target, pixels: int) -> Product:
    """The product for matrices of `pixels` rows."""
    usable = (product for feature, product in MATRICES.items() if feature in target.features)
    return next(product for product in usable if product.pixels <= pixels)
