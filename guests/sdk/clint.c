/** The timer of the core-local interruptor (SiFive CLINT: `mtimecmp` at 0x4000). */
#include "clint.h"

#include <stddef.h>

#include "board.h"
#include "mmio.h"

#define MTIMECMP 0x4000u

static uint32_t base;
static interrupt_handler on_expiry;
static void *on_expiry_context;

static void on_interrupt(void *context) {
  (void)context;
  /* Masking costs no exit; moving `mtimecmp` would. */
  csr_clear(mie, 1u << INTERRUPT_MACHINE_TIMER);
  on_expiry(on_expiry_context);
}

void timer_set(uint64_t ticks) {
  if (base == 0) return;
  uint32_t before = interrupt_disable();
  /* All ones in the low half first: no value in between may be in the past. */
  mmio_write32(base + MTIMECMP, 0xFFFFFFFFu);
  mmio_write32(base + MTIMECMP + 4, (uint32_t)(ticks >> 32));
  mmio_write32(base + MTIMECMP, (uint32_t)ticks);
  csr_set(mie, 1u << INTERRUPT_MACHINE_TIMER);
  interrupt_restore(before);
}

bool timer_open(interrupt_handler handler, void *context) {
  static const char *const names[] = {"sifive,clint0", "riscv,clint0"};
  uint32_t length;
  for (unsigned i = 0; i < 2 && base == 0; i++) {
    fdt_node node = fdt_next_compatible(board_tree(), FDT_NONE, names[i]);
    if (node != FDT_NONE && !fdt_reg(board_tree(), node, &base, &length)) base = 0;
  }
  if (base == 0) return false;
  on_expiry = handler;
  on_expiry_context = context;
  interrupt_on_local(INTERRUPT_MACHINE_TIMER, on_interrupt, NULL);
  csr_clear(mie, 1u << INTERRUPT_MACHINE_TIMER);
  return true;
}
