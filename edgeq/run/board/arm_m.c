/* Startup for Armv6-M, Armv7-M and Armv8-M: vector table, entry, faults, semihosting. */
#include "edgeq_board.h"
#include "edgeq_start.h"

extern char edgeq_stack_top[];

static void reset(void) {
#if __ARM_ARCH >= 7
    /* Compilers may keep integers in FPU registers, kernels use vectors: access to coprocessors 10 and 11 (CPACR). */
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
#endif
#if __ARM_ARCH >= 8
    /* Low-overhead branches (CCR.LOB), where the core has them. */
    *(volatile uint32_t *)0xe000ed14u |= 1u << 19;
#endif
    __asm__ volatile("dsb\n isb");
    edgeq_start();
}

/* The processor pushes r0-r3, r12, lr, pc, xpsr; the number of the exception is in IPSR. */
__attribute__((used)) static void report(const uint32_t *frame, uint32_t exception) {
    edgeq_fault(exception == 3 ? "HardFault" : "unexpected exception", exception, frame[6]);
}

__attribute__((naked)) static void fault(void) {
    __asm__ volatile("mrs r0, msp\n mrs r1, ipsr\n bl report");
}

/* Initial stack pointer, reset, NMI, HardFault and the other system exceptions; interrupts stay disabled. */
__attribute__((section(".vectors"), used)) const void *const edgeq_vectors[16] = {
    edgeq_stack_top, reset, fault, fault, fault, fault, fault, fault,
    fault,           fault, fault, fault, fault, fault, fault, fault,
};

__attribute__((naked, noinline)) intptr_t edgeq_semihost(uint32_t operation, const void *arguments) {
    (void)operation;
    (void)arguments;
    __asm__ volatile("bkpt 0xab\n bx lr");
}
