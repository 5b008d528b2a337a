/** Tasks: who is ready, who runs, and how the kernel starts. */
#include "kernel.h"

#include <stddef.h>

#include "board.h"
#include "console.h"

#define FRAME_WORDS 32u
#define FRAME_PC 0u
#define FRAME_RA 1u
#define FRAME_A0 5u
#define IDLE_STACK_BYTES 512u
#define VECTORED 1u

extern const char rt_vectors[];
_Noreturn void rt_first(void);
bool rt_timer_open(void);
_Noreturn void rt_exception(uint32_t cause, uint32_t pc, uint32_t value);

rt_control *rt_current;
rt_control *rt_next;
rt_control *rt_seats[RT_PRIORITIES];
uint32_t rt_ready;
uint32_t rt_sleeping;

static rt_control controls[RT_PRIORITIES];
static uint32_t idle_stack[IDLE_STACK_BYTES / 4] __attribute__((aligned(16)));

#define TWICE(n) n, n
#define FOUR(n) TWICE(n), TWICE(n)
#define EIGHT(n) FOUR(n), FOUR(n)
#define SIXTEEN(n) EIGHT(n), EIGHT(n)
#define THIRTY_TWO(n) SIXTEEN(n), SIXTEEN(n)
#define SIXTY_FOUR(n) THIRTY_TWO(n), THIRTY_TWO(n)
const uint8_t rt_highest[256] = {0,        0,         TWICE(1),      FOUR(2),       EIGHT(3),
                                 SIXTEEN(4), THIRTY_TWO(5), SIXTY_FOUR(6), SIXTY_FOUR(7), SIXTY_FOUR(7)};

/** A task that returns has nothing more to do. */
static _Noreturn void finished(void) {
  for (;;) rt_sleep_until(rt_now() + 0x40000000u);
}

static void idle(void *context) {
  (void)context;
  for (;;) wait_for_interrupt();
}

void rt_task(uint32_t priority, rt_entry entry, void *context, void *stack, uint32_t bytes) {
  uint32_t *frame = (uint32_t *)((uintptr_t)stack + bytes) - FRAME_WORDS;
  frame[FRAME_PC] = (uint32_t)(uintptr_t)entry;
  frame[FRAME_RA] = (uint32_t)(uintptr_t)finished;
  frame[FRAME_A0] = (uint32_t)(uintptr_t)context;
  controls[priority].stack = (uint32_t)(uintptr_t)frame;
  rt_seats[priority] = &controls[priority];
  rt_ready |= 1u << priority;
}

void rt_start(void) {
  rt_lock();
  csr_write(mie, 0);
  if (!rt_timer_open()) return;
  rt_task(0, idle, NULL, idle_stack, sizeof idle_stack);
  csr_write(mtvec, (uint32_t)(uintptr_t)rt_vectors | VECTORED);
  csr_write(mie, 1u << INTERRUPT_MACHINE_TIMER | 1u << INTERRUPT_MACHINE_EXTERNAL | 1u << INTERRUPT_DOORBELL |
                     1u << INTERRUPT_SHARED_MEMORY);
  rt_choose();
  rt_first();
}

_Noreturn void rt_exception(uint32_t cause, uint32_t pc, uint32_t value) {
  console_print("exception: mcause %x, mepc %x, mtval %x\n", cause, pc, value);
  board_finish(1);
}

static void nothing(void) {}
__attribute__((weak, alias("nothing"))) void rt_isr_timer(void);
__attribute__((weak, alias("nothing"))) void rt_isr_external(void);
__attribute__((weak, alias("nothing"))) void rt_isr_doorbell(void);
__attribute__((weak, alias("nothing"))) void rt_isr_shared_memory(void);
