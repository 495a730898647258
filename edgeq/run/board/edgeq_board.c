/* Board support that every architecture shares: Arm semihosting (also RISC-V's), memory set-up, stack gauge. */
#include "edgeq_board.h"

#include <string.h>

#include "edgeq_start.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

static const uint32_t PAINT = 0xa5c3965au;

/* From the linker script. */
extern uint32_t edgeq_stack_limit[];
extern char edgeq_data_start[], edgeq_data_end[], edgeq_bss_start[], edgeq_bss_end[];
extern const char edgeq_data_image[];

_Noreturn void edgeq_start(void) {
    memcpy(edgeq_data_start, edgeq_data_image, (size_t)(edgeq_data_end - edgeq_data_start));
    memset(edgeq_bss_start, 0, (size_t)(edgeq_bss_end - edgeq_bss_start));
    edgeq_exit(main());
}

_Noreturn void edgeq_fault(const char *kind, uint32_t cause, uint32_t address) {
    edgeq_print(kind);
    edgeq_print(", cause 0x");
    edgeq_print_hex(cause);
    edgeq_print(", at 0x");
    edgeq_print_hex(address);
    edgeq_fail("");
}

void edgeq_print(const char *text) {
    edgeq_semihost(SYS_WRITE0, text);
}

void edgeq_print_hex(uint32_t value) {
    char text[9];
    for (int i = 0; i < 8; i++) {
        text[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15u];
    }
    text[8] = '\0';
    edgeq_print(text);
}

_Noreturn void edgeq_exit(int code) {
    const intptr_t arguments[] = {ADP_STOPPED_APPLICATION_EXIT, code};
    for (;;) {
        edgeq_semihost(SYS_EXIT_EXTENDED, arguments);
    }
}

_Noreturn void edgeq_fail(const char *message) {
    edgeq_print(message);
    edgeq_print("\n");
    edgeq_exit(1);
}

int edgeq_open(const char *path, edgeq_mode mode) {
    const intptr_t arguments[] = {(intptr_t)path, mode, (intptr_t)strlen(path)};
    const intptr_t file = edgeq_semihost(SYS_OPEN, arguments);
    if (file < 0) {
        edgeq_print(path);
        edgeq_fail(": cannot be opened");
    }
    return (int)file;
}

size_t edgeq_read(int file, void *data, size_t size) {
    const intptr_t arguments[] = {file, (intptr_t)data, (intptr_t)size};
    return size - (size_t)edgeq_semihost(SYS_READ, arguments);
}

void edgeq_write(int file, const void *data, size_t size) {
    const intptr_t arguments[] = {file, (intptr_t)data, (intptr_t)size};
    if (edgeq_semihost(SYS_WRITE, arguments) != 0) {
        edgeq_fail("a result cannot be written on the host: is its disk full?");
    }
}

/* Not shrink-wrapped: what the function itself saves must lie above `own`. */
__attribute__((optimize("no-shrink-wrap"))) void edgeq_stack_paint(void) {
    const char *own = edgeq_stack_pointer();
    for (volatile uint32_t *word = edgeq_stack_limit; (const char *)word < own; word++) {
        *word = PAINT;
    }
}

uint32_t edgeq_stack_used(const char *top) {
    const uint32_t *word = edgeq_stack_limit;
    if (*word != PAINT) {
        edgeq_fail("the stack overflowed");
    }
    while (*word == PAINT) {
        word++;
    }
    return (uint32_t)(top - (const char *)word);
}
