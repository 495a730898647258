/* toy: a quantized network, compiled by edgeq 0.1.0 for cortex-m4.
 *
 * Integers only: real = SCALE * (integer - ZERO_POINT). No heap, no floating point, no state: calls with different
 * arenas may run at the same time.
 *
 * Model: sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
 */
#ifndef EDGEQ_TOY_H
#define EDGEQ_TOY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOY_MODEL_SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TOY_EDGEQ_VERSION "0.1.0"

/* Working memory, in bytes, and the alignment of its address; PLACE has the alignment and the linker section, if there is
 * one: static uint8_t arena[TOY_ARENA_BYTES] TOY_ARENA_PLACE;
 * Its content need not survive between calls. */
#define TOY_ARENA_BYTES 48
#define TOY_ARENA_ALIGN 16
#ifndef TOY_SECTION_ARENA
#define TOY_SECTION_ARENA
#endif
#define TOY_ARENA_PLACE TOY_SECTION_ARENA __attribute__((aligned(TOY_ARENA_ALIGN)))

/* Kernel calls of one inference. */
#define TOY_KERNELS 4

/* What toy_invoke returns. */
#define TOY_OK 0
#define TOY_ERROR_NULL 1      /* a pointer is NULL; nothing was written */
#define TOY_ERROR_ALIGNMENT 2 /* the arena is not aligned to TOY_ARENA_ALIGN; nothing was written */

/* Input class: uint8, shape [1, 2, 2, 2] */
#define TOY_INPUT_CLASS_2_ELEMENTS 8
#define TOY_INPUT_CLASS_2_BYTES 8
#define TOY_INPUT_CLASS_2_SCALE 0.0039215689
#define TOY_INPUT_CLASS_2_ZERO_POINT 128

/* Input wide * / input: int16, shape [1, 5] */
#define TOY_INPUT_WIDE_INPUT_ELEMENTS 5
#define TOY_INPUT_WIDE_INPUT_BYTES 10
#define TOY_INPUT_WIDE_INPUT_SCALE 1e-05
#define TOY_INPUT_WIDE_INPUT_ZERO_POINT 0

/* Output out:0: int8, shape [1, 3] */
#define TOY_OUTPUT_OUT_0_ELEMENTS 3
#define TOY_OUTPUT_OUT_0_BYTES 3
#define TOY_OUTPUT_OUT_0_SCALE 0.125
#define TOY_OUTPUT_OUT_0_ZERO_POINT (-4)

/* Output Out 0: int16, shape [5] */
#define TOY_OUTPUT_OUT_0_2_ELEMENTS 5
#define TOY_OUTPUT_OUT_0_2_BYTES 10
#define TOY_OUTPUT_OUT_0_2_SCALE 1e-05
#define TOY_OUTPUT_OUT_0_2_ZERO_POINT 0

/* Where the caller keeps inputs and outputs: at any address, dense, last axis fastest, apart from each other and from
 * the arena. */
typedef struct {
    const uint8_t *class_2;
    const int16_t *wide_input;
} toy_inputs;

typedef struct {
    int8_t *out_0;
    int16_t *out_0_2;
} toy_outputs;

/* Runs one inference. Returns TOY_OK or one of the errors above. */
int toy_invoke(const toy_inputs *inputs, const toy_outputs *outputs, void *arena);

#ifdef TOY_PROFILE
/* Yours to define: called before each kernel with its number, and after the last one with TOY_KERNELS. */
void toy_profile_hook(int kernel);
#endif

#ifdef __cplusplus
}
#endif

#endif
