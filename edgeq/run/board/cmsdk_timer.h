/* Instruction counter of Arm's CMSDK boards: timer 0 (counts down) and the FPGAIO seconds counter, at the addresses
   TIMER_ADDRESS and SECONDS_ADDRESS. */
#include "edgeq_board.h"

static volatile uint32_t *const TIMER = (volatile uint32_t *)TIMER_ADDRESS;
enum { CTRL, VALUE, RELOAD };
static volatile uint32_t *const SECONDS = (volatile uint32_t *)SECONDS_ADDRESS;

void edgeq_counter_start(void) {
    TIMER[RELOAD] = UINT32_MAX;
    TIMER[VALUE] = UINT32_MAX;
    TIMER[CTRL] = 1;
}

edgeq_count edgeq_counter_read(void) {
    const uint32_t value = TIMER[VALUE];
    return (edgeq_count){UINT32_MAX - value, *SECONDS};
}
