/* toy: the call sequence, compiled by edgeq 0.1.0. */
#include "toy.h"

#include <stddef.h>
#include <string.h>

#include "toy_private.h"

#ifndef TOY_PROFILE
#define toy_profile_hook(kernel) ((void)0)
#endif

/* Takes the pointers as `void *`: the type of the caller's would promise an alignment that they need not have. */
static void copy(void *to, const void *from, size_t count)
{
    memcpy(to, from, count);
}

int toy_invoke(const toy_inputs *inputs, const toy_outputs *outputs, void *arena)
{
    uint8_t *const base = (uint8_t *)arena;

    if (inputs == NULL || outputs == NULL || arena == NULL) {
        return TOY_ERROR_NULL;
    }
    if (inputs->class_2 == NULL || inputs->wide_input == NULL || outputs->out_0 == NULL || outputs->out_0_2 == NULL) {
        return TOY_ERROR_NULL;
    }
    if ((uintptr_t)arena % TOY_ARENA_ALIGN != 0) {
        return TOY_ERROR_ALIGNMENT;
    }

    copy(base + 0, inputs->wide_input, TOY_INPUT_WIDE_INPUT_BYTES);

    /* lut "; system("x") */
    toy_profile_hook(0);
    toy_k0((const int8_t *)inputs->class_2,
           toy_c0,
           (int8_t *)(base + 16));

    /* lut trigraph ? ?/ * / int evil; / *_#error _ */
    toy_profile_hook(1);
    toy_k0((const int8_t *)(base + 16),
           toy_c1,
           (int8_t *)(base + 16));

    /* copy backwards */
    toy_profile_hook(2);
    toy_k1((const int16_t *)(void *)(base + 0),
           (int16_t *)(void *)(base + 32));

    /* dense class */
    toy_profile_hook(3);
    toy_k2((const int8_t *)(base + 16),
           toy_c2,
           toy_c3,
           toy_c4,
           outputs->out_0);

    toy_profile_hook(TOY_KERNELS);

    copy(outputs->out_0_2, base + 32, TOY_OUTPUT_OUT_0_2_BYTES);

    return TOY_OK;
}
