/* toy: an example to start from. Fills the inputs, runs one inference, and finds the largest output. */
#include "toy.h"

static uint8_t arena[TOY_ARENA_BYTES] TOY_ARENA_PLACE;

static int largest(const int8_t *values, int count)
{
    int best = 0;
    int i;

    for (i = 1; i < count; i++) {
        if (values[i] > values[best]) {
            best = i;
        }
    }
    return best;
}

int main(void)
{
    uint8_t *const input_class_2 = toy_input_class_2(arena);
    int16_t *const input_wide_input = toy_input_wide_input(arena);
    int i;

    /* ZERO_POINT stands for 0.0; a sensor's value v becomes round(v / SCALE) + ZERO_POINT, clamped to the type. */
    for (i = 0; i < TOY_INPUT_CLASS_2_ELEMENTS; i++) {
        input_class_2[i] = TOY_INPUT_CLASS_2_ZERO_POINT;
    }
    for (i = 0; i < TOY_INPUT_WIDE_INPUT_ELEMENTS; i++) {
        input_wide_input[i] = TOY_INPUT_WIDE_INPUT_ZERO_POINT;
    }

    if (toy_invoke(arena) != TOY_OK) {
        return -1;
    }
    return largest(toy_output_out_0(arena), TOY_OUTPUT_OUT_0_ELEMENTS);
}
