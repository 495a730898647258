/* Vectors of 16 bytes: intrinsics of Arm's M-profile Vector Extension, and C of the same integers without them. */
#ifndef EDGEQ_MVE_H
#define EDGEQ_MVE_H

#include <string.h>

#include "edgeq_fixed.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#include <arm_mve.h>

#if defined(__GNUC__)
#define EDGEQ_IS_ZERO(value) (__builtin_constant_p(value) && (value) == 0)
#else
#define EDGEQ_IS_ZERO(value) 0
#endif

typedef int8x16_t edgeq_int8x16;
typedef int16x8_t edgeq_int16x8;
typedef int32x4_t edgeq_int32x4;
typedef mve_pred16_t edgeq_predicate;

#define edgeq_load_int8x16(from) vldrbq_s8(from)
#define edgeq_load_int8x4(from) vldrbq_s32(from)
#define edgeq_load_int32x4(from) vldrwq_s32(from)
#define edgeq_load_second_int32x4(from, first) (vld2q_s32(from).val[first])
#define edgeq_store_int8x16(to, a) vstrbq_s8(to, a)
#define edgeq_store_int8x8(to, a) vstrbq_s16(to, a)
#define edgeq_store_int8x4(to, a) vstrbq_s32(to, a)
#define edgeq_store_int32x4(to, a) vstrwq_s32(to, a)
#define edgeq_first_bytes(count) vctp8q((uint32_t)(count))
#define edgeq_first_halves(count) vctp16q((uint32_t)(count))
#define edgeq_first_words(count) vctp32q((uint32_t)(count))
#define edgeq_zeroing_load(from, lanes) vldrbq_z_s8(from, lanes)
#define edgeq_masked_store(to, a, lanes) vstrbq_p_s8(to, a, lanes)
#define edgeq_masked_low_store(to, a, lanes) vstrbq_p_s16(to, a, lanes)
#define edgeq_gather(from, offsets) \
    vldrwq_gather_offset_s32((const int32_t *)(const void *)(from), vreinterpretq_u32_s32(offsets))
#define edgeq_scatter(to, offsets, a) vstrbq_scatter_offset_s32(to, vreinterpretq_u32_s32(offsets), a)
#define edgeq_masked_scatter(to, offsets, a, lanes) \
    vstrbq_scatter_offset_p_s32(to, vreinterpretq_u32_s32(offsets), a, lanes)

#define edgeq_splat_int8x16(a) vdupq_n_s8(a)
#define edgeq_splat_int16x8(a) vdupq_n_s16(a)
#define edgeq_splat_int32x4(a) vdupq_n_s32(a)
#define edgeq_int32x4_as_int8x16(a) vreinterpretq_s8_s32(a)
#define edgeq_int8x16_as_int32x4(a) vreinterpretq_s32_s8(a)

#define edgeq_add_int32x4(a, b) vaddq_s32(a, b)
#define edgeq_add_number_int32x4(a, b) vaddq_n_s32(a, b)
#define edgeq_multiply_int32x4(a, b) vmulq_s32(a, b)
#define edgeq_multiply_number_int32x4(a, b) vmulq_n_s32(a, b)
#define edgeq_min_int16x8(a, b) vminq_s16(a, b)
#define edgeq_max_int16x8(a, b) vmaxq_s16(a, b)
#define edgeq_min_int32x4(a, b) vminq_s32(a, b)
#define edgeq_max_int32x4(a, b) vmaxq_s32(a, b)
#define edgeq_and_int8x16(a, b) vandq_s8(a, b)
#define edgeq_less_int32x4(a, b) vcmpltq_s32(a, b)
#define edgeq_select_int32x4(lanes, a, b) vpselq_s32(a, b, lanes)
#define edgeq_shift_left_int8x16(a, by) vshlq_n_s8(a, by)
#define edgeq_shift_left_int32x4(a, by) vshlq_n_s32(a, by)
#define edgeq_shift_right_int8x16(a, by) vshrq_n_s8(a, by)
#define edgeq_shift_right_int32x4(a, by) vshrq_n_s32(a, by)
#define edgeq_shift_left_by_int32x4(a, by) vshlq_r_s32(a, by)

#define edgeq_vmladava(sum, a, b) edgeq_even(EDGEQ_IS_ZERO(sum) ? vmladavq_s8(a, b) : vmladavaq_s8(sum, a, b))
#define edgeq_add_product(sum, a, b) vmlaq_n_s32(sum, a, b)
#define edgeq_vqrdmulh(a, b) vqrdmulhq_s32(a, b)
#define edgeq_vqrdmulh_number(a, b) vqrdmulhq_n_s32(a, b)
#define edgeq_add_saturated(a, b) vqaddq_s16(a, b)
#define edgeq_add_saturated_number(a, b) vqaddq_n_s16(a, b)
/* Sums of VMLADAVA lie in even registers; GCC keeps them elsewhere between products, if it is not told. */
static inline int32_t edgeq_even(int32_t sum)
{
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("" : "+Te"(sum));
#endif
    return sum;
}

/*
 * GCC copies a vector whose other half a narrowing instruction keeps, also where nobody reads that half, and has no
 * intrinsic that sets two lanes at once.
 */
#if defined(__GNUC__) && !defined(__clang__)
static inline edgeq_int16x8 edgeq_narrowed(edgeq_int32x4 even, edgeq_int32x4 odd)
{
    __asm__("vqmovnb.s32 %q0, %q0\n\tvqmovnt.s32 %q0, %q1" : "+&w"(even) : "w"(odd));
    return vreinterpretq_s16_s32(even);
}

static inline edgeq_int8x16 edgeq_narrowed_halves(edgeq_int16x8 even, edgeq_int16x8 odd)
{
    __asm__("vqmovnb.s16 %q0, %q0\n\tvqmovnt.s16 %q0, %q1" : "+&w"(even) : "w"(odd));
    return vreinterpretq_s8_s16(even);
}

static inline edgeq_int16x8 edgeq_saturated_halves(edgeq_int16x8 a)
{
    __asm__("vqmovnb.s16 %q0, %q0" : "+w"(a));
    return a;
}

static inline edgeq_int32x4 edgeq_saturated(edgeq_int32x4 a)
{
    __asm__("vqmovnb.s32 %q0, %q0\n\tvqmovnb.s16 %q0, %q0" : "+w"(a));
    return a;
}

static inline edgeq_int32x4 edgeq_set_int32x4(int32_t a, int32_t b, int32_t c, int32_t d)
{
    edgeq_int32x4 y;
    __asm__("vmov %q0[2], %q0[0], %1, %3\n\tvmov %q0[3], %q0[1], %2, %4" : "=w"(y) : "r"(a), "r"(b), "r"(c), "r"(d));
    return y;
}
#else
#define edgeq_narrowed(even, odd) vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), even), odd)
#define edgeq_narrowed_halves(even, odd) vqmovntq_s16(vqmovnbq_s16(vuninitializedq_s8(), even), odd)
#define edgeq_saturated_halves(a) vreinterpretq_s16_s8(vqmovnbq_s16(vuninitializedq_s8(), a))
#define edgeq_saturated(a) vreinterpretq_s32_s16(edgeq_saturated_halves(vqmovnbq_s32(vuninitializedq_s16(), a)))
#define edgeq_set_int32x4(a, b, c, d) \
    vsetq_lane_s32(d, vsetq_lane_s32(c, vsetq_lane_s32(b, vdupq_n_s32(a), 1), 2), 3)
#endif

static inline edgeq_int8x16 edgeq_masked_load(const int8_t *from, edgeq_predicate lanes, edgeq_int8x16 others)
{
    return vpselq_s8(vldrbq_z_s8(from, lanes), others, lanes);
}

/* The intrinsic is all four stages. */
#define edgeq_vst4(to, a, b, c, d, stage) \
    do { \
        if ((stage) == 0) { \
            const int8x16x4_t edgeq_rows = { { a, b, c, d } }; \
            vst4q_s8(to, edgeq_rows); \
        } \
    } while (0)

#else

typedef struct { int8_t at[16]; } edgeq_int8x16;
typedef struct { int16_t at[8]; } edgeq_int16x8;
typedef struct { int32_t at[4]; } edgeq_int32x4;
typedef uint32_t edgeq_predicate; /* a bit for each lane */

/* A function whose result has `lane` in lane i. */
#define EDGEQ_VECTOR(result, name, parameters, lanes, lane) \
    static inline result name parameters \
    { \
        result y; \
        for (int i = 0; i < lanes; ++i) { \
            y.at[i] = lane; \
        } \
        return y; \
    }

/* A function that does something for each lane. */
#define EDGEQ_LANES(name, parameters, lanes, statement) \
    static inline void name parameters \
    { \
        for (int i = 0; i < lanes; ++i) { \
            statement; \
        } \
    }

EDGEQ_VECTOR(edgeq_int8x16, edgeq_load_int8x16, (const int8_t *from), 16, from[i])
EDGEQ_VECTOR(edgeq_int32x4, edgeq_load_int8x4, (const int8_t *from), 4, from[i])
EDGEQ_VECTOR(edgeq_int32x4, edgeq_load_int32x4, (const int32_t *from), 4, from[i])
EDGEQ_VECTOR(edgeq_int32x4, edgeq_load_second_int32x4, (const int32_t *from, int first), 4, from[2 * i + first])
EDGEQ_LANES(edgeq_store_int8x16, (int8_t *to, edgeq_int8x16 a), 16, to[i] = a.at[i])
EDGEQ_LANES(edgeq_store_int8x8, (int8_t *to, edgeq_int16x8 a), 8, to[i] = (int8_t)a.at[i])
EDGEQ_LANES(edgeq_store_int8x4, (int8_t *to, edgeq_int32x4 a), 4, to[i] = (int8_t)a.at[i])
EDGEQ_LANES(edgeq_store_int32x4, (int32_t *to, edgeq_int32x4 a), 4, to[i] = a.at[i])

static inline edgeq_predicate edgeq_first(int32_t count)
{
    return (1U << edgeq_min(edgeq_max(count, 0), 16)) - 1;
}

#define edgeq_first_bytes(count) edgeq_first(count)
#define edgeq_first_halves(count) edgeq_first(count)
#define edgeq_first_words(count) edgeq_first(count)

EDGEQ_VECTOR(edgeq_int8x16, edgeq_masked_load, (const int8_t *from, edgeq_predicate lanes, edgeq_int8x16 others), 16,
             (lanes >> i & 1U) ? from[i] : others.at[i])
EDGEQ_VECTOR(edgeq_int8x16, edgeq_zeroing_load, (const int8_t *from, edgeq_predicate lanes), 16,
             (int8_t)((lanes >> i & 1U) ? from[i] : 0))
EDGEQ_LANES(edgeq_masked_store, (int8_t *to, edgeq_int8x16 a, edgeq_predicate lanes), 16,
            if (lanes >> i & 1U) to[i] = a.at[i])
EDGEQ_LANES(edgeq_masked_low_store, (int8_t *to, edgeq_int16x8 a, edgeq_predicate lanes), 8,
            if (lanes >> i & 1U) to[i] = (int8_t)a.at[i])
EDGEQ_LANES(edgeq_scatter, (int8_t *to, edgeq_int32x4 offsets, edgeq_int32x4 a), 4,
            to[offsets.at[i]] = (int8_t)a.at[i])
EDGEQ_LANES(edgeq_masked_scatter, (int8_t *to, edgeq_int32x4 offsets, edgeq_int32x4 a, edgeq_predicate lanes), 4,
            if (lanes >> i & 1U) to[offsets.at[i]] = (int8_t)a.at[i])

static inline edgeq_int32x4 edgeq_gather(const void *from, edgeq_int32x4 offsets)
{
    edgeq_int32x4 y;
    for (int i = 0; i < 4; ++i) {
        memcpy(&y.at[i], (const int8_t *)from + offsets.at[i], 4);
    }
    return y;
}

/* Four stages; each stores the words of four lanes. */
EDGEQ_LANES(edgeq_vst4,
            (int8_t *to, edgeq_int8x16 a, edgeq_int8x16 b, edgeq_int8x16 c, edgeq_int8x16 d, int stage), 4,
            const int lane = 4 * stage + i;
            to[4 * lane] = a.at[lane]; to[4 * lane + 1] = b.at[lane];
            to[4 * lane + 2] = c.at[lane]; to[4 * lane + 3] = d.at[lane])

EDGEQ_VECTOR(edgeq_int8x16, edgeq_splat_int8x16, (int8_t a), 16, a)
EDGEQ_VECTOR(edgeq_int16x8, edgeq_splat_int16x8, (int16_t a), 8, a)
EDGEQ_VECTOR(edgeq_int32x4, edgeq_splat_int32x4, (int32_t a), 4, a)

static inline edgeq_int32x4 edgeq_set_int32x4(int32_t a, int32_t b, int32_t c, int32_t d)
{
    const edgeq_int32x4 y = { { a, b, c, d } };
    return y;
}

static inline edgeq_int8x16 edgeq_int32x4_as_int8x16(edgeq_int32x4 a)
{
    edgeq_int8x16 y;
    memcpy(&y, &a, sizeof y);
    return y;
}

static inline edgeq_int32x4 edgeq_int8x16_as_int32x4(edgeq_int8x16 a)
{
    edgeq_int32x4 y;
    memcpy(&y, &a, sizeof y);
    return y;
}

static inline int32_t edgeq_wrapped(int64_t a)
{
    return (int32_t)(uint32_t)a;
}

static inline int16_t edgeq_short(int32_t a)
{
    return (int16_t)edgeq_max(edgeq_min(a, 32767), -32768);
}

static inline int8_t edgeq_byte(int32_t a)
{
    return (int8_t)edgeq_max(edgeq_min(a, 127), -128);
}

/* Functions of two vectors of the same type. */
#define EDGEQ_PAIR(type, name, lanes, lane) EDGEQ_VECTOR(type, name, (type a, type b), lanes, lane)

EDGEQ_PAIR(edgeq_int32x4, edgeq_add_int32x4, 4, edgeq_wrapped((int64_t)a.at[i] + b.at[i]))
EDGEQ_PAIR(edgeq_int32x4, edgeq_multiply_int32x4, 4, edgeq_wrapped((int64_t)a.at[i] * b.at[i]))
EDGEQ_PAIR(edgeq_int16x8, edgeq_min_int16x8, 8, (int16_t)edgeq_min(a.at[i], b.at[i]))
EDGEQ_PAIR(edgeq_int16x8, edgeq_max_int16x8, 8, (int16_t)edgeq_max(a.at[i], b.at[i]))
EDGEQ_PAIR(edgeq_int32x4, edgeq_min_int32x4, 4, edgeq_min(a.at[i], b.at[i]))
EDGEQ_PAIR(edgeq_int32x4, edgeq_max_int32x4, 4, edgeq_max(a.at[i], b.at[i]))
EDGEQ_PAIR(edgeq_int8x16, edgeq_and_int8x16, 16, (int8_t)(a.at[i] & b.at[i]))
EDGEQ_PAIR(edgeq_int16x8, edgeq_add_saturated, 8, edgeq_short(a.at[i] + b.at[i]))
EDGEQ_PAIR(edgeq_int32x4, edgeq_vqrdmulh, 4, (int32_t)(((int64_t)a.at[i] * b.at[i] + 1073741824) >> 31))

static inline edgeq_predicate edgeq_less_int32x4(edgeq_int32x4 a, edgeq_int32x4 b)
{
    edgeq_predicate lanes = 0;
    for (int i = 0; i < 4; ++i) {
        lanes |= (edgeq_predicate)(a.at[i] < b.at[i]) << i;
    }
    return lanes;
}

EDGEQ_VECTOR(edgeq_int32x4, edgeq_select_int32x4, (edgeq_predicate lanes, edgeq_int32x4 a, edgeq_int32x4 b), 4,
             (lanes >> i & 1U) ? a.at[i] : b.at[i])

EDGEQ_VECTOR(edgeq_int8x16, edgeq_shift_left_int8x16, (edgeq_int8x16 a, int by), 16,
             (int8_t)(uint8_t)((uint32_t)a.at[i] << by))
EDGEQ_VECTOR(edgeq_int32x4, edgeq_shift_left_int32x4, (edgeq_int32x4 a, int32_t by), 4,
             (int32_t)((uint32_t)a.at[i] << by))
EDGEQ_VECTOR(edgeq_int8x16, edgeq_shift_right_int8x16, (edgeq_int8x16 a, int by), 16, (int8_t)(a.at[i] >> by))
EDGEQ_VECTOR(edgeq_int32x4, edgeq_shift_right_int32x4, (edgeq_int32x4 a, int by), 4, a.at[i] >> by)

#define edgeq_shift_left_by_int32x4(a, by) edgeq_shift_left_int32x4(a, by)
#define edgeq_add_number_int32x4(a, b) edgeq_add_int32x4(a, edgeq_splat_int32x4(b))
#define edgeq_multiply_number_int32x4(a, b) edgeq_multiply_int32x4(a, edgeq_splat_int32x4(b))
#define edgeq_add_product(sum, a, b) edgeq_add_int32x4(sum, edgeq_multiply_number_int32x4(a, b))
#define edgeq_vqrdmulh_number(a, b) edgeq_vqrdmulh(a, edgeq_splat_int32x4(b))
#define edgeq_add_saturated_number(a, b) edgeq_add_saturated(a, edgeq_splat_int16x8(b))

static inline int32_t edgeq_vmladava(int32_t sum, edgeq_int8x16 a, edgeq_int8x16 b)
{
    int64_t total = sum;
    for (int i = 0; i < 16; ++i) {
        total += a.at[i] * b.at[i];
    }
    return edgeq_wrapped(total);
}

EDGEQ_VECTOR(edgeq_int16x8, edgeq_narrowed, (edgeq_int32x4 even, edgeq_int32x4 odd), 8,
             edgeq_short(i % 2 ? odd.at[i / 2] : even.at[i / 2]))
EDGEQ_VECTOR(edgeq_int8x16, edgeq_narrowed_halves, (edgeq_int16x8 even, edgeq_int16x8 odd), 16,
             edgeq_byte(i % 2 ? odd.at[i / 2] : even.at[i / 2]))
EDGEQ_VECTOR(edgeq_int16x8, edgeq_saturated_halves, (edgeq_int16x8 a), 8, edgeq_byte(a.at[i]))
EDGEQ_VECTOR(edgeq_int32x4, edgeq_saturated, (edgeq_int32x4 a), 4, edgeq_byte(a.at[i]))
#endif

#define edgeq_held(a, b, c, d) edgeq_set_int32x4(a, b, c, d)

static inline int32_t edgeq_opaque(int32_t value)
{
    return value;
}

#define edgeq_place(index) (index)

/* Hints for register allocation and scheduling, without code. */
#define edgeq_pair(a, b) ((void)0)
#if defined(__GNUC__)
#define edgeq_clobber(pointer) __asm__ volatile("" : : : "memory")
#define edgeq_order() __asm__ volatile("" : : : "memory")
#define edgeq_hide(pointer) __asm__("" : "+r"(pointer))
#else
#define edgeq_clobber(pointer) ((void)0)
#define edgeq_order() ((void)0)
#define edgeq_hide(pointer) ((void)0)
#endif

#endif
