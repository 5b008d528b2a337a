/** System: round trips of `ecall` and `mret`. */
#include "bench.h"

#define ROUNDS 1000000u

const char bench_name[] = "trap";
const uint32_t bench_expected = ROUNDS;

void trap_handler(void);
/* Counts in s2 and goes on behind the ecall. */
__asm__(".balign 4\n"
        "trap_handler:\n"
        "  csrr t0, mepc\n"
        "  addi t0, t0, 4\n"
        "  csrw mepc, t0\n"
        "  addi s2, s2, 1\n"
        "  mret\n");

uint32_t bench_run(void) {
  register uintptr_t count __asm__("s2") = 0;
  __asm__ volatile("csrw mtvec, %0" ::"r"((uintptr_t)trap_handler));
  for (uint32_t i = 0; i < ROUNDS; i++) __asm__ volatile("ecall" : "+r"(count)::"t0", "memory");
  return (uint32_t)count;
}
