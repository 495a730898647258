/* toy: kernels and constants. Not an interface: it changes with every compile. */
#ifndef EDGEQ_TOY_PRIVATE_H
#define EDGEQ_TOY_PRIVATE_H

#include <stdint.h>

void toy_k0(const int8_t *, const int8_t *, int8_t *);
void toy_k1(const int16_t *, int16_t *);
void toy_k2(const int8_t *, const int8_t *, const int32_t *, const int32_t *, int8_t *);

extern const int8_t toy_c0[256];
extern const int8_t toy_c1[256];
extern const int8_t toy_c2[24];
extern const int32_t toy_c3[3];
extern const int32_t toy_c4[3];

#endif
