/* Instruction counter of Arm's MPS2 boards: CMSDK timer 0 (25 MHz, counts down) and the FPGAIO seconds counter. */
#include "edgeq_board.h"

static volatile uint32_t *const TIMER = (volatile uint32_t *)0x40000000u;
enum { CTRL, VALUE, RELOAD };
static volatile uint32_t *const SECONDS = (volatile uint32_t *)0x40028010u;

void edgeq_counter_start(void) {
    TIMER[RELOAD] = UINT32_MAX;
    TIMER[VALUE] = UINT32_MAX;
    TIMER[CTRL] = 1;
}

edgeq_count edgeq_counter_read(void) {
    const uint32_t value = TIMER[VALUE];
    return (edgeq_count){UINT32_MAX - value, *SECONDS};
}
