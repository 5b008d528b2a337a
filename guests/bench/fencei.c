/** System: patches a function, says so by `fence.i` and calls it. */
#include "bench.h"

#define ROUNDS 100000u

const char bench_name[] = "fencei";
const uint32_t bench_expected = 0x6de531a0;

/** `addi a0, a0, 0`, whose immediate is what is patched, and `ret` (`jalr x0, 0(ra)`). */
static uint32_t code[2] __attribute__((aligned(8))) = {0x00050513, 0x00008067};

typedef uint32_t (*add)(uint32_t);

uint32_t bench_run(void) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < ROUNDS; i++) {
    *(volatile uint32_t *)&code[0] = 0x00050513 | (i & 0x7ff) << 20;
    __asm__ volatile("fence.i" ::: "memory");
    sum = ((add)(uintptr_t)code)(sum * 3u + i);
  }
  return sum;
}
