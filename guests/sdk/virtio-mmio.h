/** The virtio-mmio transport, version 2, with split virtqueues (Virtual I/O Device 1.2, sections 4.2 and 2.7). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "csr.h"
#include "fdt.h"

/** Entries of each queue this driver sets up; a device must offer at least as many. */
#define VIRTQUEUE_SIZE 16u

#define VIRTQ_DESC_F_WRITE 2u

typedef struct {
  uint64_t address;
  uint32_t length;
  uint16_t flags;
  uint16_t next;
} virtq_descriptor;

typedef struct {
  uint32_t id;
  uint32_t length;
} virtq_used_element;

/** One queue in guest memory; filled by `virtio_mmio_queue`. */
typedef struct {
  _Alignas(16) virtq_descriptor descriptors[VIRTQUEUE_SIZE];
  _Alignas(4) struct {
    uint16_t flags;
    volatile uint16_t index;
    uint16_t ring[VIRTQUEUE_SIZE];
  } available;
  _Alignas(4) volatile struct {
    uint16_t flags;
    uint16_t index;
    virtq_used_element ring[VIRTQUEUE_SIZE];
  } used;
  /** Free-running, as the device's indices are. */
  uint16_t used_seen;
  uint16_t offered;
  uint16_t number;
} virtqueue;

/** One transport. */
typedef struct {
  uint32_t base;
  uint32_t source;
} virtio_mmio;

/** Resets the device and negotiates VIRTIO_F_VERSION_1 alone. False when it is not such a device. */
bool virtio_mmio_open(virtio_mmio *device, fdt_node node, uint32_t device_id);
/** Gives the device queue `number`. False when it has none of that size. */
bool virtio_mmio_queue(const virtio_mmio *device, virtqueue *queue, uint16_t number);
/** Gives the device queue `number` of `size` entries in zeroed memory. False when it has none of that size. */
bool virtio_mmio_place_queue(const virtio_mmio *device, uint16_t number, uint16_t size, const volatile void *descriptors,
                             const volatile void *available, const volatile void *used);
/** After the queues: the device may work. */
void virtio_mmio_start(const virtio_mmio *device);
/** Reads and acknowledges the interrupt; the specification asks for both (section 4.2.3.4.1), so it costs two exits. */
void virtio_mmio_acknowledge(const virtio_mmio *device);
/** Puts descriptor `id` behind those offered before; the device sees it after `virtqueue_publish`. */
static inline void virtqueue_offer(virtqueue *queue, uint32_t id) {
  queue->available.ring[queue->offered++ % VIRTQUEUE_SIZE] = (uint16_t)id;
}

/** Makes what was offered available; the device learns of it by `virtio_mmio_notify`. */
static inline void virtqueue_publish(virtqueue *queue) {
  fence_write();
  queue->available.index = queue->offered;
}

/** Whether the device has used a descriptor that was not taken yet. */
static inline bool virtqueue_has_used(const virtqueue *queue) { return queue->used.index != queue->used_seen; }

/** Takes the next used descriptor. False when there is none, or the device named one that does not exist. */
static inline bool virtqueue_take(virtqueue *queue, virtq_used_element *element) {
  if (!virtqueue_has_used(queue)) return false;
  fence_read();
  const volatile virtq_used_element *used = &queue->used.ring[queue->used_seen++ % VIRTQUEUE_SIZE];
  element->id = used->id;
  element->length = used->length;
  return element->id < VIRTQUEUE_SIZE;
}

/** Tells the device of what was made available, unless it says that it looks by itself. */
void virtio_mmio_notify(const virtio_mmio *device, const virtqueue *queue);
