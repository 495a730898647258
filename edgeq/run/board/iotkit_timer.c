/* Instruction counter of Arm's IoT Kit on MPS2 boards (AN505), in the secure state (20 MHz). */
#define TIMER_ADDRESS 0x50000000u
#define SECONDS_ADDRESS 0x50302010u
#include "cmsdk_timer.h"
