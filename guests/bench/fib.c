/** Calls: Fibonacci numbers by naive recursion. */
#include "bench.h"

#define N 38u

const char bench_name[] = "fib";
/* F(38) */
const uint32_t bench_expected = 39088169;

/* GCC would unroll the recursion into itself and leave few calls. */
static __attribute__((noinline, optimize("no-optimize-sibling-calls", "no-inline"))) uint32_t fib(uint32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint32_t bench_run(void) { return fib(N); }
