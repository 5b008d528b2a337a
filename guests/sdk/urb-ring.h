/** The URB device of a partition (`rigvisor,urb-ring`): its queue lies in this guest's RAM; no access costs an exit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"
#include "urb-plug.h"
#include "urb-queue.h"

/** One ring; fill it with `urb_ring_open`. */
typedef struct {
  uint32_t area;
  uint32_t interrupt;
  /** The plug for which `urb_ring_wait` last came back. */
  uint32_t generation_woken;
} urb_ring;

/** False when the node or the area's header is not as specified. */
bool urb_ring_open(urb_ring *ring, fdt_node node, urb_queue *queue);
urb_plug urb_ring_plug(const urb_ring *ring);
/** Clears the doorbell, then sleeps until it rings, unless a completion or a new plug waits. To be called with interrupts off. */
void urb_ring_wait(urb_ring *ring, const urb_queue *queue);
