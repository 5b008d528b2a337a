/** The virtio-console driver. */
#include "virtio-console.h"

#include <string.h>

#include "interrupt.h"

#define DEVICE_ID_CONSOLE 3u
#define AVAILABLE_F_NO_INTERRUPT 1u

static void on_interrupt(void *context) {
  virtio_console *console = context;
  /* Reading happens outside: the interrupt has done its work by ending the wait. */
  virtio_mmio_acknowledge(&console->device);
}

bool virtio_console_open(virtio_console *console, fdt_node node) {
  if (!virtio_mmio_open(&console->device, node, DEVICE_ID_CONSOLE)) return false;
  if (!virtio_mmio_queue(&console->device, &console->receive, 0)) return false;
  if (!virtio_mmio_queue(&console->device, &console->transmit, 1)) return false;
  console->next = console->end = console->buffers[0];
  console->untold = 0;
  for (uint16_t i = 0; i < VIRTQUEUE_SIZE; i++) {
    console->receive.descriptors[i] =
        (virtq_descriptor){(uintptr_t)console->buffers[i], VIRTIO_CONSOLE_BUFFER, VIRTQ_DESC_F_WRITE, 0};
    virtqueue_offer(&console->receive, i);
  }
  console->transmit.available.flags = AVAILABLE_F_NO_INTERRUPT;
  if (!interrupt_on_source(console->device.source, on_interrupt, console)) return false;
  virtio_mmio_start(&console->device);
  virtio_mmio_notify(&console->device, &console->receive);
  return true;
}

/** Goes on to the next filled buffer; false when there is none. */
static inline bool next_buffer(virtio_console *console) {
  virtq_used_element element;
  if (!virtqueue_take(&console->receive, &element)) return false;
  uint32_t filled = element.length < VIRTIO_CONSOLE_BUFFER ? element.length : VIRTIO_CONSOLE_BUFFER;
  console->current = element.id;
  console->next = console->buffers[element.id];
  console->end = console->next + filled;
  return true;
}

uint32_t virtio_console_read(virtio_console *console, received_character *into, uint32_t max) {
  if (console->next == console->end && !next_buffer(console)) return 0;
  const uint8_t *next = console->next;
  uint32_t count = (uint32_t)(console->end - next);
  if (count > max) count = max;
  for (const uint8_t *stop = next + count; next != stop; next++) *into++ = (received_character){*next, 0};
  console->next = next;
  if (next != console->end) return count;
  virtqueue_offer(&console->receive, (uint16_t)console->current);
  /* A device that has run out of buffers gets all of them back before it matters: each notification is an exit. */
  if (++console->untold >= VIRTQUEUE_SIZE / 2) {
    console->untold = 0;
    virtio_mmio_notify(&console->device, &console->receive);
  }
  return count;
}

bool virtio_console_has_received(const virtio_console *console) {
  return console->next != console->end || virtqueue_has_used(&console->receive);
}

void virtio_console_write(virtio_console *console, const uint8_t *bytes, uint32_t length) {
  virtq_used_element element;
  while (length > 0) {
    uint32_t count = length < VIRTIO_CONSOLE_BUFFER ? length : VIRTIO_CONSOLE_BUFFER;
    memcpy(console->sending, bytes, count);
    console->transmit.descriptors[0] = (virtq_descriptor){(uintptr_t)console->sending, count, 0, 0};
    virtqueue_offer(&console->transmit, 0);
    virtio_mmio_notify(&console->device, &console->transmit);
    while (!virtqueue_take(&console->transmit, &element)) continue;
    bytes += count;
    length -= count;
  }
}
