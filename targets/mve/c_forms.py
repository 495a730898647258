"""The C of this family: intrinsics of the ACLE for MVE (Arm IHI 0053, "MVE intrinsics") in edgeq_mve.h."""

from __future__ import annotations

from edgeq.lower.c_dialect import Dialect, Form
from edgeq.targets.dsp.intrinsics import clobber
from edgeq.targets.mve import intrinsics as mve

BYTES, HALVES, WORDS = "int8x16", "int16x8", "int32x4"
PLACE = "handle"
SIXTEEN, EIGHT, FOUR = "boolx16", "boolx8", "boolx4"
"""Predicates."""

DIALECT = Dialect(
    header="edgeq_mve",
    forms=(
        # Compilers do not unroll such loops here: they need not be kept from knowing how often they run.
        Form(mve.opaque, "value"),
        Form(mve.place, "index"),
        Form(clobber),
        Form(mve.order),
        Form(mve.held, types=("int32",) * 4),
        Form(mve.vmladava, types=("int32", BYTES, BYTES)),
        Form(mve.vqrdmulh_number, types=(WORDS, "int32")),
        Form(mve.vqrdmulh, types=(WORDS, WORDS)),
        Form(mve.add_product, types=(WORDS, WORDS, "int32")),
        Form(mve.narrowed, types=(WORDS, WORDS)),
        Form(mve.narrowed_halves, types=(HALVES, HALVES)),
        Form(mve.saturated, types=(WORDS,)),
        Form(mve.saturated_halves, types=(HALVES,)),
        Form(mve.add_saturated_number, types=(HALVES, "int16")),
        Form(mve.add_saturated, types=(HALVES, HALVES)),
        Form(mve.first_bytes, types=("int32",)),
        Form(mve.first_halves, types=("int32",)),
        Form(mve.first_words, types=("int32",)),
        Form(mve.zeroing_load, types=(PLACE, SIXTEEN)),
        Form(mve.masked_load, types=(PLACE, SIXTEEN, BYTES)),
        Form(mve.masked_low_store, types=(PLACE, HALVES, EIGHT)),
        Form(mve.masked_store, types=(PLACE, BYTES, SIXTEEN)),
        Form(mve.vst4, types=(PLACE, BYTES, BYTES, BYTES, BYTES, "int32")),
        Form(mve.gather, types=(PLACE, WORDS)),
        Form(mve.scatter, types=(PLACE, WORDS, WORDS)),
        Form(mve.masked_scatter, types=(PLACE, WORDS, WORDS, FOUR)),
    ),
    pointers=(mve.opaque, mve.place),
    order=mve.order,
)
