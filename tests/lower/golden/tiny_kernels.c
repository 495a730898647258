/* tiny: kernels. */
#include "tiny_private.h"
#include "edgeq_fixed.h"

/* dense */
void tiny_k0(const int8_t *restrict x, const int8_t *restrict w, const int32_t *restrict table, int8_t *restrict y)
{
    int32_t acc;
    for (int32_t row = 0; row < 1; ++row) {
        for (int32_t oc = 0; oc < 2; ++oc) {
            acc = table[oc];
            for (int32_t i = 0; i < 3; ++i) {
                acc = acc + (int32_t)x[i] * (int32_t)w[oc * 3 + i];
            }
            const int32_t a = acc * 2;
            const int32_t scaled = (int32_t)(((int64_t)a * (int64_t)table[oc + 2] + 1073741824LL) >> 31LL);
            y[oc] = (int8_t)edgeq_max(edgeq_min(scaled + 3, 127), -128);
        }
    }
}
