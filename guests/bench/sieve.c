/** Sieve of Eratosthenes over a million bytes: how many primes are below 1,000,000. */
#include "bench.h"

#define LIMIT 1000000u
#define ROUNDS 96u

const char bench_name[] = "sieve";
/* pi(1,000,000) = 78,498, added up. */
const uint32_t bench_expected = 78498u * ROUNDS;

static uint8_t composite[LIMIT];

uint32_t bench_run(void) {
  uint32_t primes = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    for (uint32_t i = 0; i < LIMIT; i++) composite[i] = 0;
    for (uint32_t i = 2; i < LIMIT; i++) {
      if (composite[i] != 0) continue;
      primes++;
      if (i > LIMIT / i) continue;
      for (uint32_t multiple = i * i; multiple < LIMIT; multiple += i) composite[multiple] = 1;
    }
  }
  return primes;
}
