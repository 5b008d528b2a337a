/** virtio-console (Virtual I/O Device 1.2, section 5.3), port 0: reception by interrupt into sixteen buffers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"
#include "received.h"
#include "virtio-mmio.h"

#define VIRTIO_CONSOLE_BUFFER 128u

/** One console device. Nothing is lost for lack of room: buffers go back only when they are read. */
typedef struct {
  /** The buffer being read: its descriptor, and what of it is not taken yet; `next` is NULL while there is none. */
  uint32_t current;
  const uint8_t *next;
  const uint8_t *end;
  virtio_mmio device;
  virtqueue receive;
  virtqueue transmit;
  uint8_t buffers[VIRTQUEUE_SIZE][VIRTIO_CONSOLE_BUFFER];
  uint8_t sending[VIRTIO_CONSOLE_BUFFER];
} virtio_console;

bool virtio_console_open(virtio_console *console, fdt_node node);
/** Takes up to `max` characters of one buffer; 0 when there are none. Their status is 0: the device knows no line errors. */
uint32_t virtio_console_read(virtio_console *console, received_character *into, uint32_t max);
bool virtio_console_has_received(const virtio_console *console);
/** Sends all bytes, waiting for the device. */
void virtio_console_write(virtio_console *console, const uint8_t *bytes, uint32_t length);
