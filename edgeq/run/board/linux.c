/* The board as a Linux process: files of the host as they are, instructions counted by QEMU's plugin or not at all. */
#include "edgeq_board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 8, STACK_BYTES = 256 * 1024 };

static const char PAINT = 0x5a;

static FILE *files[FILES];
static char *painted;

void edgeq_counter_start(void) {
}

/* Each call is a mark for the plugin; what it returns counts nothing. */
__attribute__((noipa)) edgeq_count edgeq_counter_read(void) {
    return (edgeq_count){0, 0};
}

void edgeq_print(const char *text) {
    fputs(text, stdout);
}

void edgeq_print_hex(uint32_t value) {
    printf("%08lx", (unsigned long)value);
}

_Noreturn void edgeq_exit(int code) {
    exit(code);
}

_Noreturn void edgeq_fail(const char *message) {
    puts(message);
    exit(1);
}

int edgeq_open(const char *path, edgeq_mode mode) {
    for (int i = 0; i < FILES; i++) {
        if (files[i] == NULL) {
            files[i] = fopen(path, mode == EDGEQ_READ ? "rb" : "wb");
            if (files[i] != NULL) {
                return i;
            }
        }
    }
    edgeq_print(path);
    edgeq_fail(": cannot be opened");
}

size_t edgeq_read(int file, void *data, size_t size) {
    return fread(data, 1, size, files[file]);
}

void edgeq_write(int file, const void *data, size_t size) {
    if (fwrite(data, 1, size, files[file]) != size || fflush(files[file]) != 0) {
        edgeq_fail("a result cannot be written: is the disk full?");
    }
}

/* Paints what lies below the frame of the caller of the measured code. */
__attribute__((noinline)) void edgeq_stack_paint(void) {
    volatile char room[STACK_BYTES];
    for (size_t i = 0; i < STACK_BYTES; i++) {
        room[i] = PAINT;
    }
    painted = (char *)(uintptr_t)room;
}

uint32_t edgeq_stack_used(const char *top) {
    const char *byte = painted;
    while (byte < top && *byte == PAINT) {
        byte++;
    }
    return (uint32_t)(top - byte);
}
