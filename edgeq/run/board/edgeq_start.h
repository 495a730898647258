/* Between the startup file of an architecture and the support that all share. */
#ifndef EDGEQ_START_H
#define EDGEQ_START_H

#include <stdint.h>

/* Sets memory up, runs main and ends the emulation with its return value. */
_Noreturn void edgeq_start(void);
/* Reports a processor exception and ends the emulation: a fault must never look like a long computation. */
_Noreturn void edgeq_fault(const char *kind, uint32_t cause, uint32_t address);

#endif
