/** Trap dispatch behind `trap_entry`. */
#include <stddef.h>

#include "interrupt.h"

#include "board.h"
#include "console.h"
#include "plic.h"

typedef struct {
  interrupt_handler handler;
  void *context;
} registration;

static registration sources[PLIC_SOURCES + 1];
static registration locals[32];
volatile bool interrupt_handled;

static void report_exception(exception_frame *frame) {
  console_print("exception: mcause %x, mepc %x, mtval %x\n", frame->cause, frame->pc, frame->value);
  board_finish(1);
}

static exception_handler on_exception = report_exception;

bool interrupt_on_source(uint32_t source, interrupt_handler handler, void *context) {
  if (source == 0 || source > PLIC_SOURCES) return false;
  sources[source] = (registration){handler, context};
  if (!plic_enable(source)) return false;
  csr_set(mie, 1u << INTERRUPT_MACHINE_EXTERNAL);
  return true;
}

bool interrupt_on_local(uint32_t cause, interrupt_handler handler, void *context) {
  if (cause > 31 || cause == INTERRUPT_MACHINE_EXTERNAL) return false;
  locals[cause] = (registration){handler, context};
  csr_set(mie, 1u << cause);
  return true;
}

void interrupt_on_exception(exception_handler handler) { on_exception = handler; }

void interrupt_dispatch(uint32_t cause);
uint32_t exception_dispatch(uint32_t cause, uint32_t pc, uint32_t value);

static inline void dispatch_source(void) {
  uint32_t source = plic_claim();
  if (source == 0 || source > PLIC_SOURCES) return;
  if (sources[source].handler != NULL) sources[source].handler(sources[source].context);
  plic_complete(source);
}

void interrupt_dispatch(uint32_t cause) {
  cause &= 31;
  interrupt_handled = true;
  if (cause == INTERRUPT_MACHINE_EXTERNAL) {
    dispatch_source();
    return;
  }
  if (locals[cause].handler != NULL) {
    locals[cause].handler(locals[cause].context);
    return;
  }
  /* Nobody clears it, so it would return for ever. */
  csr_clear(mie, 1u << cause);
}

void interrupt_wait(void) {
  interrupt_sleep();
  if (csr_read(mip) & csr_read(mie) & 1u << INTERRUPT_MACHINE_EXTERNAL) dispatch_source();
}

uint32_t exception_dispatch(uint32_t cause, uint32_t pc, uint32_t value) {
  exception_frame frame = {cause, pc, value};
  on_exception(&frame);
  return frame.pc;
}
