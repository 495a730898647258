"""The C of this family: intrinsics of the ACLE (Arm IHI 0053, sec. 8.5, 8.6), and portable C of the same integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm.script import tirx as T

from edgeq.lower.assembly import (
    ahead,
    load_four,
    load_four_more,
    opaque,
    place,
    smlad_high,
    smlad_in_place,
    smlad_low,
    store_at,
    store_four,
    sxtb16_in_place,
    word_at,
)
from edgeq.lower.c_dialect import Dialect, Form
from edgeq.targets.dsp.intrinsics import (
    add_even_bytes,
    add_odd_bytes,
    clobber,
    fake_use,
    larger_bytes,
    larger_halves,
    odd_bytes,
    saturate,
    smla_bottom_top,
    smla_top_bottom,
    smlad,
    subtract_halves,
    sxtb16,
)
from edgeq.targets.dsp.requantize import multiply_rounded

if TYPE_CHECKING:
    from tvm.tirx import Expr


def pack_bottoms(a: Expr, b: Expr) -> Expr:
    """The low half of a below the low half of b: PKHBT."""
    return T.bitwise_or(T.bitwise_and(a, 0xFFFF), T.shift_left(b, T.int32(16)))


def pack_tops(a: Expr, b: Expr) -> Expr:
    """The high half of a below the high half of b: PKHTB."""
    return T.bitwise_or(T.bitwise_and(T.shift_right(a, 16), 0xFFFF), T.bitwise_and(b, T.int32(-(1 << 16))))


DIALECT = Dialect(
    header="edgeq_dsp",
    title="Instructions of the Arm DSP extension",
    condition="defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_SAT)",
    include="<arm_acle.h>",
    forms=(
        Form(
            smlad,
            "(int32_t)(acc + (int64_t)(int16_t)a * (int16_t)b + (int64_t)(a >> 16) * (b >> 16))",
            acle="__smlad(a, b, acc)",
        ),
        *(Form(smlad_there, "edgeq_smlad(a, b, acc)") for smlad_there in (smlad_in_place, smlad_high, smlad_low)),
        Form(
            smla_bottom_top,
            "(int32_t)(acc + (int64_t)(int16_t)a * (b >> 16))",
            acle="__smlabt(a, b, acc)",
        ),
        Form(
            smla_top_bottom,
            "(int32_t)(acc + (int64_t)(a >> 16) * (int16_t)b)",
            acle="__smlatb(a, b, acc)",
        ),
        Form(odd_bytes, "edgeq_sxtb16(word >> 8)", asm="sxtb16 %0, %1, ror #8"),
        Form(
            sxtb16,
            "(int32_t)(((uint32_t)(int8_t)word & 0xFFFFU) | ((uint32_t)(int8_t)(word >> 16) << 16))",
            acle="__sxtb16(word)",
        ),
        Form(sxtb16_in_place, "edgeq_sxtb16(word)"),
        Form(place, macro="(index)"),
        Form(ahead, "start + words"),
        Form(word_at, macro="((base)[(start) + (words)])"),
        *(
            Form(
                load,
                macro="((to)[0] = (base)[start], (to)[1] = (base)[(start) + 1], (to)[2] = (base)[(start) + 2],"
                " (to)[3] = (base)[(start) + 3], (start) + 4)",
            )
            for load in (load_four, load_four_more)
        ),
        Form(
            store_four,
            macro="((base)[start] = (a), (base)[(start) + 1] = (b), (base)[(start) + 2] = (c),"
            " (base)[(start) + 3] = (d), (start) + 4)",
        ),
        Form(store_at, macro="((base)[(start) + (words)] = (word))"),
        Form(
            add_odd_bytes,
            "edgeq_add_even_bytes(acc, (int32_t)(((uint32_t)word >> 8) | ((uint32_t)word << 24)))",
            asm="sxtab16 %0, %1, %2, ror #8",
        ),
        Form(
            add_even_bytes,
            "(int32_t)((((uint32_t)acc + (uint32_t)(int8_t)word) & 65535U)"
            " | ((((uint32_t)acc >> 16) + (uint32_t)(int8_t)(word >> 16)) << 16))",
            acle="__sxtab16(acc, word)",
        ),
        Form(
            larger_bytes,
            "(int32_t)((uint32_t)edgeq_max(a >> 24, b >> 24) << 24"
            " | ((uint32_t)edgeq_max((int8_t)(a >> 16), (int8_t)(b >> 16)) & 255U) << 16"
            " | ((uint32_t)edgeq_max((int8_t)(a >> 8), (int8_t)(b >> 8)) & 255U) << 8"
            " | ((uint32_t)edgeq_max((int8_t)a, (int8_t)b) & 255U))",
            acle="((void)__ssub8(a, b), (int32_t)__sel((uint8x4_t)(a), (uint8x4_t)(b)))",
        ),
        Form(
            larger_halves,
            "(int32_t)((uint32_t)edgeq_max(a >> 16, b >> 16) << 16"
            " | ((uint32_t)edgeq_max((int16_t)a, (int16_t)b) & 65535U))",
            acle="((void)__ssub16(a, b), (int32_t)__sel((uint8x4_t)(a), (uint8x4_t)(b)))",
        ),
        Form(
            subtract_halves,
            "(int32_t)((((uint32_t)a - (uint32_t)b) & 65535U) | ((((uint32_t)a >> 16) - ((uint32_t)b >> 16)) << 16))",
            acle="__ssub16(a, b)",
        ),
        Form(opaque, "value"),
        Form(
            saturate,
            "edgeq_max(edgeq_min(value, (1 << (bits - 1)) - 1), -(1 << (bits - 1)))",
            acle="__ssat(value, bits)",
            gnu="((int32_t)__builtin_arm_ssat(value, bits))",
        ),
        Form(multiply_rounded, "(int32_t)(((int64_t)a * m + 2147483648LL) >> 32)", asm="smmulr %0, %1, %2"),
        Form(pack_bottoms, "(a & 65535) | (int32_t)((uint32_t)b << 16)", asm="pkhbt %0, %1, %2, lsl #16"),
        Form(pack_tops, "((a >> 16) & 65535) | (b & -65536)", asm="pkhtb %0, %2, %1, asr #16"),
        Form(fake_use, hint='volatile("" : : "r"(value))'),
        Form(clobber, hint='volatile("" : : : "memory")'),
    ),
    pointers=(opaque,),
)
