/* Instruction counter of Arm's MPS2 boards (25 MHz). */
#define TIMER_ADDRESS 0x40000000u
#define SECONDS_ADDRESS 0x40028010u
#include "cmsdk_timer.h"
