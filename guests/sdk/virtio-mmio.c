/** The virtio-mmio transport driver. */
#include "virtio-mmio.h"

#include <string.h>

#include "board.h"
#include "csr.h"
#include "mmio.h"

enum {
  MAGIC_VALUE = 0x000,
  VERSION = 0x004,
  DEVICE_ID = 0x008,
  DEVICE_FEATURES = 0x010,
  DEVICE_FEATURES_SELECT = 0x014,
  DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SELECT = 0x024,
  QUEUE_SELECT = 0x030,
  QUEUE_NUM_MAX = 0x034,
  QUEUE_NUM = 0x038,
  QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACK = 0x064,
  STATUS = 0x070,
  QUEUE_DESC_LOW = 0x080,
  QUEUE_DRIVER_LOW = 0x090,
  QUEUE_DEVICE_LOW = 0x0A0,
};

#define MAGIC 0x74726976u
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_FAILED 128u
/** Bit 32, VIRTIO_F_VERSION_1, within the second feature word. */
#define FEATURE_VERSION_1 1u
#define USED_F_NO_NOTIFY 1u

static uint32_t get(const virtio_mmio *device, uint32_t offset) { return mmio_read32(device->base + offset); }
static void put(const virtio_mmio *device, uint32_t offset, uint32_t value) { mmio_write32(device->base + offset, value); }

bool virtio_mmio_open(virtio_mmio *device, fdt_node node, uint32_t device_id) {
  const fdt_tree *tree = board_tree();
  uint32_t length;
  if (!fdt_is_compatible(tree, node, "virtio,mmio") || !fdt_reg(tree, node, &device->base, &length)) return false;
  if (!fdt_u32(tree, node, "interrupts", &device->source)) return false;
  if (get(device, MAGIC_VALUE) != MAGIC || get(device, VERSION) != 2 || get(device, DEVICE_ID) != device_id) return false;
  put(device, STATUS, 0);
  while (get(device, STATUS) != 0) continue;
  put(device, STATUS, STATUS_ACKNOWLEDGE);
  put(device, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
  put(device, DEVICE_FEATURES_SELECT, 1);
  if (!(get(device, DEVICE_FEATURES) & FEATURE_VERSION_1)) {
    put(device, STATUS, STATUS_FAILED);
    return false;
  }
  put(device, DRIVER_FEATURES_SELECT, 0);
  put(device, DRIVER_FEATURES, 0);
  put(device, DRIVER_FEATURES_SELECT, 1);
  put(device, DRIVER_FEATURES, FEATURE_VERSION_1);
  put(device, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
  return (get(device, STATUS) & STATUS_FEATURES_OK) != 0;
}

static void put_address(const virtio_mmio *device, uint32_t offset, const volatile void *address) {
  put(device, offset, (uint32_t)(uintptr_t)address);
  put(device, offset + 4, 0);
}

bool virtio_mmio_place_queue(const virtio_mmio *device, uint16_t number, uint16_t size, const volatile void *descriptors,
                             const volatile void *available, const volatile void *used) {
  put(device, QUEUE_SELECT, number);
  if (get(device, QUEUE_READY) != 0 || get(device, QUEUE_NUM_MAX) < size) return false;
  put(device, QUEUE_NUM, size);
  put_address(device, QUEUE_DESC_LOW, descriptors);
  put_address(device, QUEUE_DRIVER_LOW, available);
  put_address(device, QUEUE_DEVICE_LOW, used);
  put(device, QUEUE_READY, 1);
  return true;
}

bool virtio_mmio_queue(const virtio_mmio *device, virtqueue *queue, uint16_t number) {
  memset(queue, 0, sizeof *queue);
  queue->number = number;
  return virtio_mmio_place_queue(device, number, VIRTQUEUE_SIZE, queue->descriptors, &queue->available, &queue->used);
}

void virtio_mmio_start(const virtio_mmio *device) {
  put(device, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void virtio_mmio_acknowledge(const virtio_mmio *device) { put(device, INTERRUPT_ACK, get(device, INTERRUPT_STATUS)); }

void virtio_mmio_notify(const virtio_mmio *device, const virtqueue *queue) {
  fence_all();
  if (queue->used.flags & USED_F_NO_NOTIFY) return;
  fence_to_device();
  put(device, QUEUE_NOTIFY, queue->number);
}
