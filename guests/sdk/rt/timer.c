/** The timer without ticks: programmed for the earliest time that a task or the guest's own handler waits for. */
#include "kernel.h"

#include "board.h"
#include "mmio.h"

#define MTIMECMP 0x4000u
/** Nobody waits: as far away as differences reach. */
#define FAR 0x40000000u

static uint32_t compare;
/** High half of what the timer was last set to. */
static uint32_t high;
static uint32_t guest_tick;
static bool guest_waits;

bool rt_timer_open(void) {
  uint32_t length;
  const fdt_tree *tree = board_tree();
  fdt_node node = fdt_next_compatible(tree, FDT_NONE, "riscv,clint0");
  if (node == FDT_NONE || !fdt_reg(tree, node, &compare, &length)) return false;
  compare += MTIMECMP;
  high = (uint32_t)(time_now() >> 32);
  mmio_write32(compare + 4, high);
  rt_timer_program();
  return true;
}

void rt_timer_at(uint32_t tick) {
  guest_tick = tick;
  guest_waits = true;
}

/** Where the guest is left for the CLINT; the analysis knows these instructions by name. */
#define LEAVE_GUEST(name, offset, value)                                             \
  __asm__ volatile(".globl rt_exit_" #name "\nrt_exit_" #name ": sw %0, " offset "(%1)" \
                   ::"r"(value), "r"(compare)                                        \
                   : "memory")

static inline uint32_t earlier(uint32_t nearest, uint32_t now, uint32_t tick) {
  /* Never negative: what is due already is due now. */
  int32_t away = (int32_t)(tick - now);
  uint32_t from_now = away < 0 ? 0 : (uint32_t)away;
  return from_now < nearest ? from_now : nearest;
}

__attribute__((noinline)) void rt_timer_program(void) {
  uint32_t now = rt_now();
  uint32_t nearest = FAR;
  if (guest_waits) nearest = earlier(nearest, now, guest_tick);
#pragma GCC unroll 8
  for (uint32_t priority = 1; priority < RT_PRIORITIES; priority++) {
    if (rt_sleeping & 1u << priority) nearest = earlier(nearest, now, rt_seats[priority]->wake);
  }
  uint32_t tick = now + nearest;
  uint32_t upper = csr_read(timeh);
  /* It may have moved since `now` was read. */
  if (rt_now() < now) upper--;
  if (tick < now) upper++;
  if (upper != high) {
    high = upper;
    /* All ones in the low half first: no value in between may be in the past. */
    LEAVE_GUEST(far, "0", 0xFFFFFFFFu);
    LEAVE_GUEST(high, "4", upper);
  }
  LEAVE_GUEST(low, "0", tick);
}

void rt_isr_clock(void) {
  uint32_t now = rt_now();
  if (guest_waits && (int32_t)(now - guest_tick) >= 0) {
    guest_waits = false;
    rt_isr_timer();
  }
#pragma GCC unroll 8
  for (uint32_t priority = 1; priority < RT_PRIORITIES; priority++) {
    uint32_t bit = 1u << priority;
    if ((rt_sleeping & bit) && (int32_t)(now - rt_seats[priority]->wake) >= 0) {
      rt_sleeping &= ~bit;
      rt_ready |= bit;
    }
  }
  rt_choose();
  rt_timer_program();
}

void rt_sleep_until(uint32_t tick) {
  rt_lock();
  uint32_t bit = 1u << rt_priority();
  rt_current->wake = tick;
  rt_sleeping |= bit;
  rt_ready &= ~bit;
  rt_choose();
  rt_timer_program();
  rt_switch();
}
