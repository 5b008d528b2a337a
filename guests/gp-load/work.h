/** What keeps the processor busy: a fixed-point FFT whose result is folded into one number. */
#pragma once

#include <stdint.h>

/** One piece of work, some 100,000 instructions; answers a number that depends on all of them so far. */
uint32_t work_piece(void);
