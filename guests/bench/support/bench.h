/** What every benchmark shares: its name, its work, and the checksum that says that the work was done right. */
#pragma once

#include <stdint.h>

/** Each benchmark defines these. `bench_run` does a fixed amount of work and answers with its checksum. */
extern const char bench_name[];
extern const uint32_t bench_expected;
uint32_t bench_run(void);

/** Pseudo-random numbers (an LCG of 32 bits; the upper bits are the good ones). */
static inline uint32_t bench_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/** Folds a value into a checksum, so that the order counts. */
static inline uint32_t bench_fold(uint32_t sum, uint32_t value) { return (sum ^ value) * 0x01000193u + 1u; }

/** The bits of a double, folded. */
static inline uint32_t bench_fold_double(uint32_t sum, double value) {
  union {
    double number;
    uint64_t bits;
  } both = {.number = value};
  return bench_fold(bench_fold(sum, (uint32_t)both.bits), (uint32_t)(both.bits >> 32));
}
