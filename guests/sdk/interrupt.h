/** Traps: handlers for PLIC sources, the timer, local interrupts and exceptions. Handlers run with interrupts off. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "csr.h"

typedef void (*interrupt_handler)(void *context);

/** What is known of an exception; `pc` may be changed to say where to go on. */
typedef struct {
  uint32_t cause;
  uint32_t pc;
  uint32_t value;
} exception_frame;
typedef void (*exception_handler)(exception_frame *frame);

/** Calls `handler` at interrupts of a PLIC source (1..95) and enables it. False for any other number. */
bool interrupt_on_source(uint32_t source, interrupt_handler handler, void *context);

/** Calls `handler` at local interrupt 0..31 (`INTERRUPT_MACHINE_TIMER`, `INTERRUPT_DOORBELL`, …) and enables it in `mie`. */
bool interrupt_on_local(uint32_t cause, interrupt_handler handler, void *context);

/** Replaces what happens at an exception; by default one line on the console and a failed end. */
void interrupt_on_exception(exception_handler handler);

/** A handler has run since the last sleep. */
extern volatile bool interrupt_handled;

/**
 * Sleeps until an enabled interrupt is pending; with interrupts off. Does not sleep when a handler has run since the
 * last time: what it did may be what the caller waits for.
 */
static inline void interrupt_sleep(void) {
  if (!interrupt_handled) wait_for_interrupt();
  interrupt_handled = false;
}

/** `interrupt_sleep`, then calls the handler of a PLIC source that ended it, which spares a trap. */
void interrupt_wait(void);

/** Turns interrupts off; the answer goes to `interrupt_restore`. */
static inline uint32_t interrupt_disable(void) {
  uint32_t before;
  __asm__ volatile("csrrci %0, mstatus, " MSTATUS_MIE_TEXT : "=r"(before)::"memory");
  return before & MSTATUS_MIE;
}
static inline void interrupt_restore(uint32_t before) { csr_set(mstatus, before); }
static inline void interrupt_enable(void) { csr_set(mstatus, MSTATUS_MIE); }
