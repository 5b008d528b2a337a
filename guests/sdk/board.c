/** Start and end of a guest. */
#include "board.h"

#include "console.h"
#include "csr.h"
#include "interrupt.h"
#include "mmio.h"
#include "plic.h"
#include "sbi.h"

#define FINISHER_PASS 0x5555u
#define FINISHER_FAIL 0x3333u

static fdt_tree tree;
static bool hypervisor;
static uint32_t timebase = 10000000;

const fdt_tree *board_tree(void) { return &tree; }
bool board_has_hypervisor(void) { return hypervisor; }
uint32_t board_timebase(void) { return timebase; }

void board_start(const void *device_tree) {
  fdt_open(&tree, device_tree);
  hypervisor = fdt_is_compatible(&tree, fdt_find(&tree, "/hypervisor"), "rigvisor,rig");
  fdt_u32(&tree, fdt_find(&tree, "/cpus"), "timebase-frequency", &timebase);
  console_open();
  plic_open();
  interrupt_enable();
}

_Noreturn void board_finish(int code) {
  uint32_t base, length;
  console_flush();
  fdt_node finisher = fdt_next_compatible(&tree, FDT_NONE, "sifive,test0");
  if (finisher == FDT_NONE) finisher = fdt_next_compatible(&tree, FDT_NONE, "sifive,test1");
  if (finisher != FDT_NONE && fdt_reg(&tree, finisher, &base, &length)) {
    mmio_write32(base, code == 0 ? FINISHER_PASS : FINISHER_FAIL | (uint32_t)code << 16);
  }
  if (hypervisor) sbi_system_reset(0, code != 0);
  interrupt_disable();
  csr_write(mie, 0);
  for (;;) wait_for_interrupt();
}
