/** State machine: a scanner tells identifiers, numbers, comments and operators of a text, character by character. */
#include "bench.h"

#define TEXT_LENGTH 16384u
#define ROUNDS 4000u

const char bench_name[] = "state";
const uint32_t bench_expected = 0x56ad395a;

typedef enum { START, NAME, INTEGER, POINT, FRACTION, EXPONENT, POWER, SLASH, COMMENT, OPERATOR, WRONG, STATES } state;

static char text[TEXT_LENGTH];
static uint32_t tokens[STATES];

static void make_text(void) {
  static const char *const pieces[] = {"alpha ", "beta_2",  "12",   "3.25", "7e-3", " + ", "/*x*/", " / ", "(",
                                       ")",      "counter", " = ",  "9.",   "\n",   "@",   "1e+12", "; ",  "42,"};
  uint32_t seed = 7;
  uint32_t at = 0;
  while (at < TEXT_LENGTH) {
    const char *piece = pieces[bench_random(&seed) % (sizeof pieces / sizeof pieces[0])];
    while (*piece != 0 && at < TEXT_LENGTH) text[at++] = *piece++;
  }
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static state begin(char c) {
  if (is_letter(c)) return NAME;
  if (is_digit(c)) return INTEGER;
  switch (c) {
    case ' ':
    case '\n':
      return START;
    case '/':
      return SLASH;
    case '+':
    case '-':
    case '*':
    case '=':
    case '(':
    case ')':
    case ';':
    case ',':
      return OPERATOR;
    default:
      return WRONG;
  }
}

/** The state after `c`. A token that `c` does not belong to is over, and `c` begins the next. */
static state step(state now, char c) {
  switch (now) {
    case NAME:
      if (is_letter(c) || is_digit(c)) return NAME;
      break;
    case INTEGER:
      if (is_digit(c)) return INTEGER;
      if (c == '.') return POINT;
      if (c == 'e') return EXPONENT;
      break;
    case POINT:
    case FRACTION:
      if (is_digit(c)) return FRACTION;
      if (c == 'e') return EXPONENT;
      break;
    case EXPONENT:
      if (is_digit(c) || c == '+' || c == '-') return POWER;
      return WRONG;
    case POWER:
      if (is_digit(c)) return POWER;
      break;
    case SLASH:
      if (c == '*') return COMMENT;
      break;
    case COMMENT:
      return c == '/' ? START : COMMENT;
    default:
      break;
  }
  state next = begin(c);
  tokens[now]++;
  return next;
}

uint32_t bench_run(void) {
  make_text();
  uint32_t sum = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    state now = START;
    for (uint32_t i = 0; i < TEXT_LENGTH; i++) now = step(now, text[i]);
    for (uint32_t i = 0; i < STATES; i++) sum = bench_fold(sum, tokens[i]);
    text[round % 1000u] = (char)('a' + (round & 7));
  }
  return sum;
}
