/** The port of a partition (`rigvisor,serial-ring`): two rings in this guest's RAM; no access costs an exit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"
#include "received.h"

/** One ring port; fill it with `serial_ring_open`. */
typedef struct {
  uint32_t area;
  uint32_t interrupt;
  const volatile received_character *received;
  volatile uint16_t *transmitted;
  uint32_t received_mask;
  uint32_t transmitted_mask;
  uint32_t tail;
  uint32_t lost_seen;
} serial_ring;

/** Programs 8N1 at `baud_rate` with DTR and RTS set. False when the node or the area's header is not as specified. */
bool serial_ring_open(serial_ring *ring, fdt_node node, uint32_t baud_rate);
/** Takes up to `max` characters. The first one after a loss carries `LINE_OVERRUN`. */
uint32_t serial_ring_read(serial_ring *ring, received_character *into, uint32_t max);
bool serial_ring_has_received(const serial_ring *ring);
/** Clears the doorbell, then sleeps until it rings, unless characters are there. To be called with interrupts off. */
void serial_ring_wait(const serial_ring *ring);
/** Queues one character; false when the ring is full. */
bool serial_ring_write(serial_ring *ring, uint8_t character);
/** False once the device is gone. */
bool serial_ring_connected(const serial_ring *ring);
