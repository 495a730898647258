/* What edgeq's emulated boards offer to a firmware: console, files of the host, instruction counter, stack gauge. */
#ifndef EDGEQ_BOARD_H
#define EDGEQ_BOARD_H

#include <stddef.h>
#include <stdint.h>

/* A reading of the instruction counter; what the words mean depends on the board (edgeq/run/counters.py). */
typedef struct {
    uint32_t low;
    uint32_t high;
} edgeq_count;

void edgeq_counter_start(void);
edgeq_count edgeq_counter_read(void);

void edgeq_print(const char *text);
void edgeq_print_hex(uint32_t value);

/* Ends the emulation; `code` (0..255) becomes the exit code of QEMU. */
_Noreturn void edgeq_exit(int code);
_Noreturn void edgeq_fail(const char *message);

/* Files of the host, in the folder in which QEMU runs. A file that cannot be opened or written ends the emulation. */
typedef enum { EDGEQ_READ = 1, EDGEQ_WRITE = 5 } edgeq_mode; /* semihosting's numbers for "rb" and "wb" */
int edgeq_open(const char *path, edgeq_mode mode);
size_t edgeq_read(int file, void *data, size_t size); /* less than size: the end of the file */
void edgeq_write(int file, const void *data, size_t size);

/* The stack gauge: take the pointer where the measured call is made, paint, call, then read what was used below it. */
static inline char *edgeq_stack_pointer(void) {
    char *pointer;
#if defined(__riscv)
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
#elif defined(__x86_64__)
    __asm__ volatile("mov %%rsp, %0" : "=r"(pointer));
#else
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
#endif
    return pointer;
}
void edgeq_stack_paint(void);
uint32_t edgeq_stack_used(const char *top);

/* Provided by the startup file of each architecture. */
intptr_t edgeq_semihost(uint32_t operation, const void *arguments);

/* Provided by the firmware. */
int main(void);

#endif
