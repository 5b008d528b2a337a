/** What a guest may do wrong, one thing or several, chosen by a number. */
#pragma once

#include <stdint.h>

#include "shared-memory.h"

/** Random numbers of a guest's own; the state is never 0. */
typedef struct {
  uint32_t state;
} random_source;

uint32_t random_next(random_source *source);

/** Does one wrong thing; some come back, and some never do. `shared` may be null. */
void misbehave(random_source *source, shared_memory *shared);
