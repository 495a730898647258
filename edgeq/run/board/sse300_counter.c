/* Instruction counter of Arm's SSE-300 (AN547), in the secure state: the system counter (32 MHz, 64 bits). */
#include "edgeq_board.h"

static volatile uint32_t *const COUNTER = (volatile uint32_t *)0x58100000u;
enum { CNTCR = 0, CNTCV_LOW = 2, CNTCV_HIGH = 3 };

void edgeq_counter_start(void) {
    COUNTER[CNTCR] = 1;
}

edgeq_count edgeq_counter_read(void) {
    edgeq_count count;
    do { /* the halves are two reads: repeat where the lower one wrapped between them */
        count.high = COUNTER[CNTCV_HIGH];
        count.low = COUNTER[CNTCV_LOW];
    } while (COUNTER[CNTCV_HIGH] != count.high);
    return count;
}
