/** The machine timer. Reading the time needs no device: `time_now()`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "interrupt.h"

/** Finds the CLINT in the board's tree; `handler` is called once after each `timer_set`. False when there is none. */
bool timer_open(interrupt_handler handler, void *context);
/** The handler is called when `time` has reached `ticks`; replaces an earlier setting. */
void timer_set(uint64_t ticks);
