/* Instruction counter of RISC-V: the retired instructions, which run by themselves. */
#include "edgeq_board.h"

void edgeq_counter_start(void) {
}

edgeq_count edgeq_counter_read(void) {
    edgeq_count count;
    uint32_t again;
    do { /* the halves are two reads: repeat where the lower one wrapped between them */
        __asm__ volatile(
            ".option push\n"
            ".option arch, +zicsr\n"
            "csrr %1, minstreth\n"
            "csrr %0, minstret\n"
            "csrr %2, minstreth\n"
            ".option pop"
            : "=&r"(count.low), "=&r"(count.high), "=&r"(again));
    } while (again != count.high);
    return count;
}
