// Answers floating-point operations with the host's own arithmetic: records in, results and flags out, both binary.

#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  uint64_t a, b, c;
  uint32_t operation; // 0 to 18, plus 32 for binary64
  uint32_t rounding;  // RISC-V number, 0 to 3
} Question;

typedef struct {
  uint64_t bits;
  uint64_t flags; // RISC-V numbers
} Answer;

static const int MODES[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

static uint32_t flags_now(void) {
  const int raised = fetestexcept(FE_ALL_EXCEPT);
  return (raised & FE_INEXACT ? 1 : 0) | (raised & FE_UNDERFLOW ? 2 : 0) | (raised & FE_OVERFLOW ? 4 : 0) |
         (raised & FE_DIVBYZERO ? 8 : 0) | (raised & FE_INVALID ? 16 : 0);
}

// An integer result as RISC-V gives it: `x` is rounded already, `low` <= x < `high` fits.
#define TO_INT(x, low, high, type, min, max)            \
  do {                                                  \
    if ((x) >= (low) && (x) < (high)) {                 \
      answer->bits = (uint64_t)(type)(x);               \
    } else {                                            \
      feclearexcept(FE_ALL_EXCEPT);                     \
      feraiseexcept(FE_INVALID);                        \
      answer->bits = (uint64_t)((x) < (low) ? (min) : (max)); \
    }                                                   \
  } while (0)

#define ANSWER(name, real, bits_type, other, other_bits, SQRT, FMA, RINT)                                 \
  static void name(const Question *question, Answer *answer) {                                            \
    const bits_type bits_a = (bits_type)question->a, bits_b = (bits_type)question->b;                     \
    const bits_type bits_c = (bits_type)question->c;                                                      \
    volatile real a, b, c, result = 0;                                                                    \
    memcpy((void *)&a, &bits_a, sizeof bits_a);                                                           \
    memcpy((void *)&b, &bits_b, sizeof bits_b);                                                           \
    memcpy((void *)&c, &bits_c, sizeof bits_c);                                                           \
    fesetround(MODES[question->rounding]);                                                                \
    feclearexcept(FE_ALL_EXCEPT);                                                                         \
    int is_real = 1;                                                                                      \
    switch (question->operation & 31) {                                                                   \
      case 0: result = a + b; break;                                                                      \
      case 1: result = a - b; break;                                                                      \
      case 2: result = a * b; break;                                                                      \
      case 3: result = a / b; break;                                                                      \
      case 4: result = SQRT(a); break;                                                                    \
      case 5: result = FMA(a, b, c); break;                                                               \
      case 6: result = (real)(int32_t)question->a; break;                                                 \
      case 7: result = (real)(uint32_t)question->a; break;                                                \
      case 8: result = (real)(int64_t)question->a; break;                                                 \
      case 9: result = (real)(uint64_t)question->a; break;                                                \
      default: is_real = 0;                                                                               \
    }                                                                                                     \
    if (is_real) {                                                                                        \
      answer->flags = flags_now();                                                                        \
      bits_type bits;                                                                                     \
      memcpy(&bits, (void *)&result, sizeof bits);                                                        \
      answer->bits = bits;                                                                                \
      return;                                                                                             \
    }                                                                                                     \
    volatile other converted;                                                                             \
    other_bits narrow;                                                                                    \
    switch (question->operation & 31) {                                                                   \
      case 10: result = RINT(a); TO_INT(result, -0x1p31, 0x1p31, int32_t, INT32_MIN, INT32_MAX); break;   \
      case 11: result = RINT(a); TO_INT(result, 0, 0x1p32, uint32_t, 0, UINT32_MAX); break;               \
      case 12: result = RINT(a); TO_INT(result, -0x1p63, 0x1p63, int64_t, INT64_MIN, INT64_MAX); break;   \
      case 13: result = RINT(a); TO_INT(result, 0, 0x1p64, uint64_t, 0, UINT64_MAX); break;               \
      case 14:                                                                                            \
        converted = (other)a;                                                                             \
        memcpy(&narrow, (void *)&converted, sizeof narrow);                                               \
        answer->bits = narrow;                                                                            \
        break;                                                                                            \
      case 15: answer->bits = a == b; break;                                                              \
      case 16: answer->bits = a < b; break;                                                               \
      case 17: answer->bits = a <= b; break;                                                              \
    }                                                                                                     \
    answer->flags = flags_now();                                                                          \
  }

ANSWER(answer32, float, uint32_t, double, uint64_t, sqrtf, fmaf, rintf)
ANSWER(answer64, double, uint64_t, float, uint32_t, sqrt, fma, rint)

int main(void) {
  Question question;
  Answer answer;
  while (fread(&question, sizeof question, 1, stdin) == 1) {
    if (question.operation & 32) answer64(&question, &answer);
    else answer32(&question, &answer);
    fesetround(FE_TONEAREST);
    if (fwrite(&answer, sizeof answer, 1, stdout) != 1) return 1;
  }
  return 0;
}
