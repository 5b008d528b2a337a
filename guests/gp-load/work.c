/** A radix-2 transform of 256 points in 16.16 fixed point, over and over. */
#include "work.h"

#define POINTS 256u
#define STAGES 8u
/** cos and sin of 2 pi / 256, in 2.30. */
#define COSINE 1073418433
#define SINE 26350943

static int32_t real[POINTS], imaginary[POINTS];
static uint32_t state = 1, folded;

static int32_t times(int32_t a, int32_t b) { return (int32_t)((int64_t)a * b >> 30); }

static void butterflies(uint32_t stage) {
  uint32_t half = POINTS >> (stage + 1);
  int32_t turn_real = COSINE, turn_imaginary = -SINE;
  for (uint32_t i = 0; i < stage; i++) {
    int32_t squared = times(turn_real, turn_real) - times(turn_imaginary, turn_imaginary);
    turn_imaginary = 2 * times(turn_real, turn_imaginary);
    turn_real = squared;
  }
  int32_t w_real = 1 << 30, w_imaginary = 0;
  for (uint32_t j = 0; j < half; j++) {
    for (uint32_t k = j; k < POINTS; k += 2 * half) {
      int32_t r = (real[k] - real[k + half]) >> 1, i = (imaginary[k] - imaginary[k + half]) >> 1;
      real[k] = (real[k] + real[k + half]) >> 1;
      imaginary[k] = (imaginary[k] + imaginary[k + half]) >> 1;
      real[k + half] = times(r, w_real) - times(i, w_imaginary);
      imaginary[k + half] = times(r, w_imaginary) + times(i, w_real);
    }
    int32_t next = times(w_real, turn_real) - times(w_imaginary, turn_imaginary);
    w_imaginary = times(w_real, turn_imaginary) + times(w_imaginary, turn_real);
    w_real = next;
  }
}

uint32_t work_piece(void) {
  for (uint32_t i = 0; i < POINTS; i++) {
    state = 1664525u * state + 1013904223u;
    real[i] = (int32_t)state >> 8;
    imaginary[i] = 0;
  }
  for (uint32_t stage = 0; stage < STAGES; stage++) butterflies(stage);
  for (uint32_t i = 0; i < POINTS; i++) folded = 31 * folded + (uint32_t)(real[i] ^ imaginary[i]);
  return folded;
}
