/** Recursive quicksort of 32,768 words, made anew for each round. */
#include "bench.h"

#define WORDS 32768u
#define ROUNDS 240u

const char bench_name[] = "quicksort";
const uint32_t bench_expected = 0x5384ef53;

static uint32_t words[WORDS];

static void sort(uint32_t *first, uint32_t *last) {
  while (first < last) {
    uint32_t pivot = first[(last - first) / 2];
    uint32_t *low = first;
    uint32_t *high = last;
    while (low <= high) {
      while (*low < pivot) low++;
      while (pivot < *high) high--;
      if (low > high) break;
      uint32_t kept = *low;
      *low++ = *high;
      *high-- = kept;
    }
    sort(first, high);
    first = low;
  }
}

uint32_t bench_run(void) {
  uint32_t seed = 11;
  uint32_t sum = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    for (uint32_t i = 0; i < WORDS; i++) words[i] = bench_random(&seed);
    sort(words, words + WORDS - 1);
    for (uint32_t i = 1; i < WORDS; i++) {
      if (words[i - 1] > words[i]) return 0;
    }
    for (uint32_t i = 0; i < WORDS; i += 64) sum = bench_fold(sum, words[i]);
  }
  return sum;
}
