/** The URB device behind a virtio transport (docs/guest-abi.md): completions and plugging by interrupt. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"
#include "urb-plug.h"
#include "urb-queue.h"
#include "virtio-mmio.h"

/** One device. Its queue's memory is part of it, so it must not move. */
typedef struct {
  virtio_mmio device;
  /** The configuration has changed since it was read. */
  volatile bool changed;
  /** It has changed since `urb_wait` last came back for that. */
  volatile bool woken;
  urb_plug plug;
  _Alignas(16) virtq_descriptor descriptors[URB_QUEUE_SIZE];
  _Alignas(4) uint16_t available[2 + URB_QUEUE_SIZE + 1];
  _Alignas(4) uint16_t used[2 + 4 * URB_QUEUE_SIZE + 1];
} virtio_usb;

bool virtio_usb_open(virtio_usb *usb, fdt_node node, urb_queue *queue);
/** Tells the device of new requests, unless it says that it looks by itself. */
void virtio_usb_kick(const virtio_usb *usb);
/** What is plugged in; costs exits only after a change. */
urb_plug virtio_usb_plug(virtio_usb *usb);
