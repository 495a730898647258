/* QEMU TCG plugin: how often each instruction of a firmware was executed, and what the flash memory had to deliver.
 *
 * Arguments: out=FILE, flash=ORIGIN and bytes=LENGTH of the memory that holds the code, mark=ADDRESS of a function that
 * begins a new section each time it is entered, and unit=BYTES, code=UNITS, data=UNITS of two fully associative caches
 * with least-recently-used replacement before the flash memory (0 units: none, and nothing is counted).
 *
 * The file holds records of five 64-bit words: address, executions, jumps away from it, units of code that were missing,
 * units of data that it read and that were missing. A record of five times UINT64_MAX ends each section.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 1;

typedef struct {
    uint64_t address, executed, jumped, code_misses, data_misses;
} record;

/* A translated block: instructions that are executed one after the other, each as often as the block. */
typedef struct block {
    struct block *next;
    uint64_t start, end;
    uint64_t executed;
    bool marks;
    size_t count;
    record *instructions[];
} block;

typedef struct {
    size_t units;
    uint64_t *tags; /* the one used last first */
} cache;

static FILE *out;
static uint64_t flash, bytes, mark, unit = 64;
static cache code, data;
static record *records; /* by half-word of the flash memory */
static block *blocks;
static const block *last;
static record *last_instruction;

/* 1 if the unit that holds the address was not in the cache; afterwards it is. */
static unsigned miss(cache *in, uint64_t address) {
    const uint64_t tag = address / unit + 1;
    size_t i = 0;
    if (in->units == 0) {
        return 0;
    }
    while (i + 1 < in->units && in->tags[i] != tag) {
        i++;
    }
    const unsigned missing = in->tags[i] != tag;
    memmove(in->tags + 1, in->tags, i * sizeof *in->tags);
    in->tags[0] = tag;
    return missing;
}

static void end_section(void) {
    static const record end = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (block *b = blocks; b; b = b->next) {
        for (size_t i = 0; i < b->count; i++) {
            b->instructions[i]->executed += b->executed;
        }
        b->executed = 0;
    }
    for (uint64_t i = 0; i < bytes / 2; i++) {
        if (records[i].executed) {
            records[i].address = flash + 2 * i;
            fwrite(&records[i], sizeof records[i], 1, out);
            memset(&records[i], 0, sizeof records[i]);
        }
    }
    fwrite(&end, sizeof end, 1, out);
}

static void on_block(unsigned int vcpu, void *argument) {
    block *b = argument;
    (void)vcpu;
    if (last && last->end != b->start) {
        last_instruction->jumped++;
    }
    if (b->marks) {
        end_section();
    }
    for (uint64_t at = b->start / unit * unit; at < b->end; at += unit) {
        b->instructions[0]->code_misses += miss(&code, at);
    }
    b->executed++;
    last = b;
    last_instruction = b->instructions[b->count - 1];
}

static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *argument) {
    record *instruction = argument;
    (void)vcpu;
    if (!qemu_plugin_mem_is_store(info) && address - flash < bytes) {
        instruction->data_misses += miss(&data, address);
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    const size_t count = qemu_plugin_tb_n_insns(tb);
    block *b = calloc(1, sizeof *b + count * sizeof b->instructions[0]);
    (void)id;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        const uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (address - flash >= bytes) {
            fprintf(stderr, "edgeq: code runs outside the flash memory\n");
            exit(1);
        }
        b->instructions[i] = &records[(address - flash) / 2];
        b->end = address + qemu_plugin_insn_size(instruction);
        /* QEMU 7.2, asked for reads alone, reports writes alone. */
        if (data.units) {
            qemu_plugin_register_vcpu_mem_cb(instruction, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                             b->instructions[i]);
        }
    }
    b->start = flash + 2 * (uint64_t)(b->instructions[0] - records);
    b->marks = b->start == mark;
    b->count = count;
    b->next = blocks;
    blocks = b;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, b);
}

static void on_end(qemu_plugin_id_t id, void *argument) {
    (void)id;
    (void)argument;
    end_section();
    fclose(out);
}

static void set_argument(const char *text) {
    const char *value = strchr(text, '=') + 1;
    const uint64_t number = strtoull(value, NULL, 0);
    switch (text[0]) {
        case 'o': out = fopen(value, "wb"); break;
        case 'f': flash = number; break;
        case 'b': bytes = number; break;
        case 'm': mark = number; break;
        case 'u': unit = number; break;
        case 'c': code.units = number; break;
        case 'd': data.units = number; break;
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        set_argument(argv[i]);
    }
    records = calloc(bytes / 2, sizeof *records);
    code.tags = calloc(code.units + 1, sizeof *code.tags);
    data.tags = calloc(data.units + 1, sizeof *data.tags);
    if (!out || !records || !code.tags || !data.tags) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
