/** The acquisition port: one interface to whatever `/chosen/rigvisor,acquisition` names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "received.h"

typedef enum {
  ACQUISITION_NONE,
  ACQUISITION_NS16550A,
  ACQUISITION_VIRTIO_CONSOLE,
  /** Partitioned: while it is read no VM exit happens, and a guest should cause none itself. */
  ACQUISITION_SERIAL_RING,
} acquisition_kind;

/**
 * Opens the port at the baud rate of its `current-speed` (else 9600) and starts reception.
 * A board whose tree names no port uses its console. `ACQUISITION_NONE` when there is no usable port.
 */
acquisition_kind acquisition_open(void);

/** Takes up to `max` characters that have arrived; 0 when there are none. */
uint32_t acquisition_read(received_character *into, uint32_t max);

/** Sleeps until characters or any other enabled interrupt arrive; may return early. No wake-up is lost. */
void acquisition_wait(void);

/** Sends all bytes, waiting for room. */
void acquisition_write(const uint8_t *bytes, uint32_t length);

/** False once the device behind a serial ring is gone; true for every other port. */
bool acquisition_connected(void);
