/* toy: the call sequence, compiled by edgeq 0.1.0. */
#include "toy.h"

#include <stddef.h>

#include "toy_private.h"

#ifndef TOY_PROFILE
#define toy_profile_hook(kernel) ((void)0)
#endif

int toy_invoke(void *arena)
{
    uint8_t *const base = (uint8_t *)arena;

    if (arena == NULL) {
        return TOY_ERROR_NULL;
    }
    if ((uintptr_t)arena % TOY_ARENA_ALIGN != 0) {
        return TOY_ERROR_ALIGNMENT;
    }

    /* lut "; system("x") */
    toy_profile_hook(0);
    toy_k0((const int8_t *)(base + 0),
           toy_c0,
           (int8_t *)(base + 0));

    /* lut trigraph ? ?/ * / int evil; / *_#error _ */
    toy_profile_hook(1);
    toy_k0((const int8_t *)(base + 0),
           toy_c1,
           (int8_t *)(base + 0));

    /* copy backwards */
    toy_profile_hook(2);
    toy_k1((const int16_t *)(void *)(base + 16),
           (int16_t *)(void *)(base + 32));

    /* dense class */
    toy_profile_hook(3);
    toy_k2((const int8_t *)(base + 0),
           toy_c2,
           toy_c3,
           toy_c4,
           (int8_t *)(base + 16));

    toy_profile_hook(TOY_KERNELS);

    return TOY_OK;
}
