/** System: reads of the console's line status register, each an exit to the device. */
#include "bench.h"

#define READS 2000000u
#define LSR (*(volatile uint8_t *)0x10000005)
#define LSR_IDLE 0x60u

const char bench_name[] = "uart";
const uint32_t bench_expected = READS;

uint32_t bench_run(void) {
  uint32_t idle = 0;
  for (uint32_t i = 0; i < READS; i++) idle += (LSR & LSR_IDLE) == LSR_IDLE;
  return idle;
}
