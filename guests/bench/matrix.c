/** Floating point: products of matrices of doubles, 96 by 96. */
#include "bench.h"

#define SIZE 96u
#define ROUNDS 160u

const char bench_name[] = "matrix";
const uint32_t bench_expected = 0x1549ed34;

typedef double matrix[SIZE][SIZE];

static matrix left, right, product;

static __attribute__((noinline)) void multiply(matrix c, matrix a, matrix b) {
  for (uint32_t i = 0; i < SIZE; i++) {
    for (uint32_t j = 0; j < SIZE; j++) {
      double sum = 0;
      for (uint32_t k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

uint32_t bench_run(void) {
  uint32_t seed = 17;
  for (uint32_t i = 0; i < SIZE; i++) {
    for (uint32_t j = 0; j < SIZE; j++) {
      left[i][j] = (double)(int32_t)(bench_random(&seed) & 0xffff) / 65536.0 - 0.5;
      right[i][j] = (double)(int32_t)(bench_random(&seed) & 0xffff) / 65536.0 - 0.5;
    }
  }
  uint32_t sum = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    multiply(product, left, right);
    for (uint32_t i = 0; i < SIZE; i++) {
      sum = bench_fold_double(sum, product[i][(i * 7 + round) % SIZE]);
      /* Stays between -1 and 1, whatever the product is. */
      left[i][round % SIZE] = product[i][i] / (1.0 + product[i][i] * product[i][i]);
    }
  }
  return sum;
}
