/** Floating point: fast Fourier transforms of 1,024 complex doubles (radix 2, in place), forth and back. */
#include "bench.h"

#define LOG2_POINTS 10u
#define POINTS (1u << LOG2_POINTS)
#define ROUNDS 1600u

const char bench_name[] = "fft";
const uint32_t bench_expected = 0x62559b2d;

static double re[POINTS], im[POINTS];
static double cosine[POINTS / 2], sine[POINTS / 2];

/** The smallest angle by halving 180 degrees, the others by rotating on. */
static void make_table(void) {
  double c = -1, s = 0;
  for (uint32_t i = 1; i < LOG2_POINTS; i++) {
    double half = __builtin_sqrt((1 + c) / 2);
    s = __builtin_sqrt((1 - c) / 2);
    c = half;
  }
  cosine[0] = 1;
  for (uint32_t i = 1; i < POINTS / 2; i++) {
    cosine[i] = cosine[i - 1] * c - sine[i - 1] * s;
    sine[i] = sine[i - 1] * c + cosine[i - 1] * s;
  }
}

static void reorder(void) {
  for (uint32_t i = 0, j = 0; i < POINTS; i++) {
    if (i < j) {
      double kept = re[i];
      re[i] = re[j], re[j] = kept;
      kept = im[i];
      im[i] = im[j], im[j] = kept;
    }
    uint32_t bit = POINTS / 2;
    for (; (j & bit) != 0; bit /= 2) j ^= bit;
    j |= bit;
  }
}

/** `direction` is -1 forth and 1 back (which leaves the points multiplied by their number). */
static __attribute__((noinline)) void transform(double direction) {
  reorder();
  for (uint32_t half = 1; half < POINTS; half *= 2) {
    uint32_t stride = POINTS / 2 / half;
    for (uint32_t block = 0; block < POINTS; block += 2 * half) {
      for (uint32_t i = 0; i < half; i++) {
        double c = cosine[i * stride], s = direction * sine[i * stride];
        uint32_t low = block + i, high = low + half;
        double turned_re = re[high] * c - im[high] * s;
        double turned_im = re[high] * s + im[high] * c;
        re[high] = re[low] - turned_re;
        im[high] = im[low] - turned_im;
        re[low] += turned_re;
        im[low] += turned_im;
      }
    }
  }
}

uint32_t bench_run(void) {
  make_table();
  uint32_t seed = 19;
  for (uint32_t i = 0; i < POINTS; i++) re[i] = (double)(int32_t)(bench_random(&seed) & 0xfff) - 2048.0;
  uint32_t sum = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    transform(-1);
    for (uint32_t i = 0; i < POINTS; i += 16) sum = bench_fold_double(sum, re[i] - im[i]);
    transform(1);
    for (uint32_t i = 0; i < POINTS; i++) re[i] /= POINTS, im[i] /= POINTS;
  }
  return sum;
}
