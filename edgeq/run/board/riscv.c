/* Startup for 32-bit RISC-V in machine mode: entry, traps, semihosting. */
#include "edgeq_board.h"
#include "edgeq_start.h"

__attribute__((section(".vectors"), naked, used)) void edgeq_vectors(void) {
    __asm__ volatile(
        ".option push\n"
        ".option norelax\n"
        ".option arch, +zicsr\n"
        "la gp, __global_pointer$\n"
        "la sp, edgeq_stack_top\n"
        "la t0, edgeq_trap\n"
        "csrw mtvec, t0\n"
        "tail edgeq_start\n"
        ".option pop");
}

/* mtvec needs an address that is a multiple of four. */
__attribute__((aligned(4), used)) void edgeq_trap(void) {
    uint32_t cause, address;
    __asm__ volatile(
        ".option push\n"
        ".option arch, +zicsr\n"
        "csrr %0, mcause\n"
        "csrr %1, mepc\n"
        ".option pop"
        : "=r"(cause), "=r"(address));
    edgeq_fault("trap", cause, address);
}

/* The three uncompressed instructions that mark a semihosting call must not cross a page. */
__attribute__((aligned(16), naked, noinline)) intptr_t edgeq_semihost(uint32_t operation, const void *arguments) {
    (void)operation;
    (void)arguments;
    __asm__ volatile(
        ".option push\n"
        ".option norvc\n"
        "slli x0, x0, 0x1f\n"
        "ebreak\n"
        "srai x0, x0, 7\n"
        "ret\n"
        ".option pop");
}
