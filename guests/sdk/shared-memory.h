/** Memory shared with another guest (`rigvisor,shared-memory`): an output section, a copy of the peer's, doorbells. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SHARED_MEMORY_VECTORS 16u

/** One end; fill it with `shared_memory_open`. */
typedef struct {
  uint32_t area;
  /** The local interrupt of doorbells from the peer. */
  uint32_t interrupt;
  /** This guest's own section, and the copy of the peer's; `section_bytes` each. */
  volatile uint8_t *output;
  const volatile uint8_t *input;
  uint32_t section_bytes;
  uint32_t ring;
  uint32_t ring_mask;
  uint32_t head;
  /** Address of the doorbell register; 0 where the ring is polled. */
  uint32_t kick;
} shared_memory;

/** Finds the node that `/chosen` names. False when there is none, or its area is not as specified. */
bool shared_memory_open(shared_memory *shared);

/** Lets the peer's output and its doorbells of the vectors in `mask` in; with 0, nothing of the peer comes here. */
void shared_memory_accept(const shared_memory *shared, uint32_t mask);

/**
 * Rings: what was written to [offset, offset + length) of the output section before is in the peer's copy before its
 * interrupt. False when too many doorbells wait; nothing has happened then.
 */
bool shared_memory_ring(shared_memory *shared, uint32_t offset, uint32_t length, uint32_t vector);

/** Doorbells of that vector so far, free-running; several of them may have come by one interrupt. */
static inline uint32_t shared_memory_rung(const shared_memory *shared, uint32_t vector) {
  return *(const volatile uint32_t *)(shared->area + 0x140 + 4 * vector);
}
