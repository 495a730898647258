/* toy: an example to start from. Fills the inputs, runs one inference, and finds the largest output. */
#include "toy.h"

static uint8_t input_class_2[TOY_INPUT_CLASS_2_ELEMENTS];
static int16_t input_wide_input[TOY_INPUT_WIDE_INPUT_ELEMENTS];
static int8_t output_out_0[TOY_OUTPUT_OUT_0_ELEMENTS];
static int16_t output_out_0_2[TOY_OUTPUT_OUT_0_2_ELEMENTS];
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
    toy_inputs inputs;
    toy_outputs outputs;
    int i;

    /* ZERO_POINT stands for 0.0; a sensor's value v becomes round(v / SCALE) + ZERO_POINT, clamped to the type. */
    for (i = 0; i < TOY_INPUT_CLASS_2_ELEMENTS; i++) {
        input_class_2[i] = TOY_INPUT_CLASS_2_ZERO_POINT;
    }
    for (i = 0; i < TOY_INPUT_WIDE_INPUT_ELEMENTS; i++) {
        input_wide_input[i] = TOY_INPUT_WIDE_INPUT_ZERO_POINT;
    }
    inputs.class_2 = input_class_2;
    inputs.wide_input = input_wide_input;
    outputs.out_0 = output_out_0;
    outputs.out_0_2 = output_out_0_2;

    if (toy_invoke(&inputs, &outputs, arena) != TOY_OK) {
        return -1;
    }
    return largest(output_out_0, TOY_OUTPUT_OUT_0_ELEMENTS);
}
