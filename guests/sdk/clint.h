/** The machine timer. Reading the time needs no device: `time_now()`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "interrupt.h"

/** Finds the CLINT in the board's tree and calls `handler` at each expiry, which must set or stop the timer. */
bool timer_open(interrupt_handler handler, void *context);
/** The timer interrupt comes when `time` reaches `ticks`. */
void timer_set(uint64_t ticks);
/** No timer interrupt until the next `timer_set`. */
void timer_stop(void);
