/* Instructions of the Arm DSP extension, and C of the same integers for compilers and hosts without them. */
#ifndef EDGEQ_DSP_H
#define EDGEQ_DSP_H

#include <string.h>

#include "edgeq_fixed.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_SAT)
#include <arm_acle.h>
#define EDGEQ_DSP
#endif

#ifdef EDGEQ_DSP
#define edgeq_smlad(a, b, acc) __smlad(a, b, acc)
#else
static inline int32_t edgeq_smlad(int32_t a, int32_t b, int32_t acc)
{
    return (int32_t)(acc + (int64_t)(int16_t)a * (int16_t)b + (int64_t)(a >> 16) * (b >> 16));
}
#endif

#if defined(EDGEQ_DSP) && defined(__GNUC__)
#define edgeq_saturate(value, bits) ((int32_t)__builtin_arm_ssat(value, bits))
#elif defined(EDGEQ_DSP)
#define edgeq_saturate(value, bits) __ssat(value, bits)
#else
static inline int32_t edgeq_saturate(int32_t value, int32_t bits)
{
    return edgeq_max(edgeq_min(value, (1 << (bits - 1)) - 1), -(1 << (bits - 1)));
}
#endif

static inline int32_t edgeq_opaque(int32_t value)
{
    return value;
}

/* Numbers at any byte of a memory; compilers make one load or store of memcpy. */
static inline int32_t edgeq_load_int32(const void *from, int32_t byte)
{
    int32_t value;
    memcpy(&value, (const char *)from + byte, sizeof value);
    return value;
}

static inline void edgeq_store_int32(void *to, int32_t byte, int32_t value)
{
    memcpy((char *)to + byte, &value, sizeof value);
}

static inline void edgeq_store_int16(void *to, int32_t byte, int16_t value)
{
    memcpy((char *)to + byte, &value, sizeof value);
}

/* What has no intrinsic; other compilers than GCC make one instruction of the C below. */
#if defined(EDGEQ_DSP) && defined(__GNUC__) && !defined(__clang__)
static inline int32_t edgeq_multiply_rounded(int32_t a, int32_t m)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(m));
    return result;
}
#else
static inline int32_t edgeq_multiply_rounded(int32_t a, int32_t m)
{
    return (int32_t)(((int64_t)a * m + 2147483648LL) >> 32);
}
#endif

/* Hints for register allocation and scheduling, without code. */
#if defined(EDGEQ_DSP) && defined(__GNUC__)
#define edgeq_fake_use(value) __asm__ volatile("" : : "r"(value))
#define edgeq_pair(a, b) __asm__ volatile("" : : "r"(a), "r"(b))
#define edgeq_hide(pointer) __asm__("" : "+r"(pointer))
#else
#define edgeq_fake_use(value) ((void)0)
#define edgeq_pair(a, b) ((void)0)
#define edgeq_hide(pointer) ((void)0)
#endif

#endif
