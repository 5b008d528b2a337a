/** PLIC registers (RISC-V Platform-Level Interrupt Controller Specification 1.0). */
#include "plic.h"

#include "board.h"
#include "mmio.h"

#define PRIORITY 0x0u
#define ENABLE 0x2000u
#define THRESHOLD 0x200000u
#define CLAIM 0x200004u

static uint32_t base;
uint32_t plic_claim_register;

bool plic_open(void) {
  static const char *const names[] = {"sifive,plic-1.0.0", "riscv,plic0"};
  uint32_t length;
  for (unsigned i = 0; i < 2 && base == 0; i++) {
    fdt_node node = fdt_next_compatible(board_tree(), FDT_NONE, names[i]);
    if (node != FDT_NONE && !fdt_reg(board_tree(), node, &base, &length)) base = 0;
  }
  if (base == 0) return false;
  plic_claim_register = base + CLAIM;
  mmio_write32(base + THRESHOLD, 0);
  return true;
}

bool plic_enable(uint32_t source) {
  if (base == 0) return false;
  mmio_write32(base + PRIORITY + 4 * source, 1);
  uint32_t word = base + ENABLE + 4 * (source / 32);
  mmio_write32(word, mmio_read32(word) | 1u << source % 32);
  return true;
}
