/** Jumps to an address where nothing is, says what trap came of it and ends well when it was an access fault. */
#include "board.h"
#include "console.h"
#include "interrupt.h"

#define WILD_ADDRESS 0x08000000u
#define CAUSE_INSTRUCTION_ACCESS_FAULT 1u

static void on_exception(exception_frame *frame) {
  bool expected = frame->cause == CAUSE_INSTRUCTION_ACCESS_FAULT && frame->pc == WILD_ADDRESS;
  console_print("mcause %x, mepc %x\n", frame->cause, frame->pc);
  board_finish(expected ? 0 : 1);
}

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  interrupt_on_exception(on_exception);
  ((void (*)(void))WILD_ADDRESS)();
  return 1;
}
