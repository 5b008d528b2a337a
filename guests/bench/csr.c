/** System: `csrrw` of a register without side effects. */
#include "bench.h"

#define ROUNDS 5000000u

const char bench_name[] = "csr";
/* The sum of 0 to ROUNDS - 1, modulo 2^32. */
const uint32_t bench_expected = (uint32_t)((uint64_t)ROUNDS * (ROUNDS - 1) / 2);

uint32_t bench_run(void) {
  uint32_t sum = 0;
  __asm__ volatile("csrw mscratch, zero");
  for (uintptr_t i = 1; i <= ROUNDS; i++) {
    uintptr_t before;
    __asm__ volatile("csrrw %0, mscratch, %1" : "=r"(before) : "r"(i));
    sum += (uint32_t)before;
  }
  return sum;
}
