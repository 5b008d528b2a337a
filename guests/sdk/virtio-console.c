/** The virtio-console driver. */
#include "virtio-console.h"

#include <stddef.h>
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
  console->next = NULL;
  for (uint16_t i = 0; i < VIRTQUEUE_SIZE; i++) {
    console->receive.descriptors[i] =
        (virtq_descriptor){(uintptr_t)console->buffers[i], VIRTIO_CONSOLE_BUFFER, VIRTQ_DESC_F_WRITE, 0};
    virtqueue_offer(&console->receive, i);
  }
  virtqueue_publish(&console->receive);
  console->transmit.available.flags = AVAILABLE_F_NO_INTERRUPT;
  if (!interrupt_on_source(console->device.source, on_interrupt, console)) return false;
  virtio_mmio_start(&console->device);
  virtio_mmio_notify(&console->device, &console->receive);
  return true;
}

/** Goes on to the next filled buffer and answers where it begins; NULL when there is none. */
static inline const uint8_t *next_buffer(virtio_console *console) {
  virtq_used_element element;
  if (!virtqueue_take(&console->receive, &element)) return NULL;
  const uint8_t *buffer = console->buffers[element.id];
  console->current = element.id;
  console->end = buffer + (element.length < VIRTIO_CONSOLE_BUFFER ? element.length : VIRTIO_CONSOLE_BUFFER);
  return buffer;
}

/** Half of the buffers at once: the device has the other half until then, and each notification may be an exit. */
static __attribute__((noinline)) uint32_t give_back(virtio_console *console, uint32_t count) {
  virtqueue_publish(&console->receive);
  virtio_mmio_notify(&console->device, &console->receive);
  return count;
}

uint32_t virtio_console_read(virtio_console *console, received_character *into, uint32_t max) {
  const uint8_t *next = console->next;
  if (next == NULL && (next = next_buffer(console)) == NULL) return 0;
  uint32_t left = (uint32_t)(console->end - next), count = left < max ? left : max;
  for (uint32_t i = 0; i < count; i++) into[i] = (received_character){next[i], 0};
  console->next = next + count;
  if (count < left) return count;
  console->next = NULL;
  virtqueue_offer(&console->receive, console->current);
  return console->receive.offered % (VIRTQUEUE_SIZE / 2) == 0 ? give_back(console, count) : count;
}

bool virtio_console_has_received(const virtio_console *console) {
  return console->next != NULL || virtqueue_has_used(&console->receive);
}

void virtio_console_write(virtio_console *console, const uint8_t *bytes, uint32_t length) {
  virtq_used_element element;
  while (length > 0) {
    uint32_t count = length < VIRTIO_CONSOLE_BUFFER ? length : VIRTIO_CONSOLE_BUFFER;
    memcpy(console->sending, bytes, count);
    console->transmit.descriptors[0] = (virtq_descriptor){(uintptr_t)console->sending, count, 0, 0};
    virtqueue_offer(&console->transmit, 0);
    virtqueue_publish(&console->transmit);
    virtio_mmio_notify(&console->device, &console->transmit);
    while (!virtqueue_take(&console->transmit, &element)) continue;
    bytes += count;
    length -= count;
  }
}
