/** The driver of the paravirtual URB device. */
#include "virtio-usb.h"

#include "interrupt.h"
#include "mmio.h"

#define DEVICE_ID_USB 0x5255u
#define USED_F_NO_NOTIFY 1u
#define INTERRUPT_CONFIGURATION 2u

enum {
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACK = 0x064,
  CONFIG_GENERATION = 0x0FC,
  CONFIG_SPEED = 0x100,
  CONFIG_DEVID = 0x104,
  CONFIG_CONNECTED = 0x108,
  CONFIG_PLUG_GENERATION = 0x10C,
};

static uint32_t get(const virtio_usb *usb, uint32_t offset) { return mmio_read32(usb->device.base + offset); }

static void on_interrupt(void *context) {
  virtio_usb *usb = context;
  uint32_t status = get(usb, INTERRUPT_STATUS);
  mmio_write32(usb->device.base + INTERRUPT_ACK, status);
  if (status & INTERRUPT_CONFIGURATION) usb->changed = usb->woken = true;
}

bool virtio_usb_open(virtio_usb *usb, fdt_node node, urb_queue *queue) {
  if (!virtio_mmio_open(&usb->device, node, DEVICE_ID_USB)) return false;
  if (!virtio_mmio_place_queue(&usb->device, 0, URB_QUEUE_SIZE, usb->descriptors, usb->available, usb->used)) return false;
  urb_queue_open(queue, URB_QUEUE_SIZE, usb->descriptors, usb->available, usb->used);
  if (!interrupt_on_source(usb->device.source, on_interrupt, usb)) return false;
  usb->changed = true;
  virtio_mmio_start(&usb->device);
  return true;
}

void virtio_usb_kick(const virtio_usb *usb) {
  fence_all();
  if (*(const volatile uint16_t *)usb->used & USED_F_NO_NOTIFY) return;
  fence_to_device();
  mmio_write32(usb->device.base + QUEUE_NOTIFY, 0);
}

urb_plug virtio_usb_plug(virtio_usb *usb) {
  uint32_t before;
  if (!usb->changed) return usb->plug;
  usb->changed = false;
  do {
    before = get(usb, CONFIG_GENERATION);
    usb->plug = (urb_plug){get(usb, CONFIG_CONNECTED) != 0, get(usb, CONFIG_SPEED), get(usb, CONFIG_DEVID),
                           get(usb, CONFIG_PLUG_GENERATION)};
  } while (get(usb, CONFIG_GENERATION) != before);
  return usb->plug;
}
