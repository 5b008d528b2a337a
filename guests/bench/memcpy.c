/** Copies of 7 bytes to 64 KiB by words, where source and target lie differently by shifting words together. */
#include "bench.h"

#include <stddef.h>

#define ROUNDS 6000u
#define LARGEST 65536u
#define WORD sizeof(uintptr_t)

const char bench_name[] = "memcpy";
const uint32_t bench_expected = 0x6649a940;

static uintptr_t source[LARGEST / WORD + 8];
static uintptr_t target[LARGEST / WORD + 8];

/** `count` words to an aligned target from a source that is `skew` bytes behind an aligned address. */
static void copy_shifted(uintptr_t *to, const uint8_t *from, size_t count, size_t skew) {
  const uintptr_t *at = (const uintptr_t *)(from - skew);
  uint32_t down = (uint32_t)skew * 8;
  uint32_t up = (uint32_t)(WORD - skew) * 8;
  uintptr_t now = *at++;
  while (count-- > 0) {
    uintptr_t next = *at++;
    *to++ = now >> down | next << up;
    now = next;
  }
}

static void copy_words(uintptr_t *to, const uintptr_t *from, size_t count) {
  for (; count >= 4; count -= 4, to += 4, from += 4) {
    uintptr_t a = from[0], b = from[1], c = from[2], d = from[3];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
  }
  while (count-- > 0) *to++ = *from++;
}

static __attribute__((noinline)) void copy(uint8_t *to, const uint8_t *from, size_t length) {
  if (length >= 2 * WORD) {
    while (((uintptr_t)to & (WORD - 1)) != 0) *to++ = *from++, length--;
    size_t count = length / WORD;
    size_t skew = (uintptr_t)from & (WORD - 1);
    if (skew == 0) {
      copy_words((uintptr_t *)to, (const uintptr_t *)from, count);
    } else {
      copy_shifted((uintptr_t *)to, from, count, skew);
    }
    to += count * WORD, from += count * WORD, length -= count * WORD;
  }
  while (length-- > 0) *to++ = *from++;
}

uint32_t bench_run(void) {
  static const struct {
    uint32_t length, from, to, times;
  } copies[] = {{7, 1, 2, 400},   {64, 0, 0, 200},   {100, 3, 0, 150},  {256, 2, 5, 60},
                {1024, 0, 0, 30}, {4096, 1, 3, 8},   {4096, 4, 4, 8},   {65536, 0, 0, 1}};
  uint8_t *from = (uint8_t *)source;
  uint8_t *to = (uint8_t *)target;
  uint32_t seed = 13;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < sizeof source; i++) from[i] = (uint8_t)bench_random(&seed);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    for (uint32_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
      uint8_t *begin = to + copies[i].to;
      for (uint32_t n = 0; n < copies[i].times; n++) copy(begin, from + copies[i].from, copies[i].length);
      sum = bench_fold(sum, begin[0] | (uint32_t)begin[copies[i].length / 2] << 8);
      sum = bench_fold(sum, begin[copies[i].length - 1]);
    }
    from[round * 131 % LARGEST] ^= (uint8_t)round;
  }
  return sum;
}
