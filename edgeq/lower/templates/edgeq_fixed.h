/* Integer helpers of the kernels. */
#ifndef EDGEQ_FIXED_H
#define EDGEQ_FIXED_H

#include <stdint.h>

/* Right shifts of negative numbers round down on every compiler that edgeq knows; C leaves it to them. */
typedef char edgeq_shift_rounds_down[((-3) >> 1) == -2 ? 1 : -1];

static inline int32_t edgeq_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t edgeq_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

#endif
