/** Chooses the transport of the USB port. */
#include "urb.h"

#include <stddef.h>

#include "board.h"
#include "clint.h"
#include "interrupt.h"
#include "urb-ring.h"
#include "virtio-usb.h"

static urb_transport transport = URB_TRANSPORT_NONE;
static urb_queue queue;
static virtio_usb usb;
static urb_ring ring;

static bool has_timer;
static volatile bool timer_runs;
static uint64_t timer_ticks;

static void on_timer(void *context) {
  (void)context;
  timer_runs = false;
}

urb_transport urb_open(void) {
  const fdt_tree *tree = board_tree();
  const char *path = fdt_text(tree, fdt_find(tree, "/chosen"), "rigvisor,acquisition");
  if (path == NULL) return URB_TRANSPORT_NONE;
  fdt_node node = fdt_find(tree, path);
  if (urb_ring_open(&ring, node, &queue)) transport = URB_TRANSPORT_RING;
  else if (virtio_usb_open(&usb, node, &queue)) transport = URB_TRANSPORT_VIRTIO;
  has_timer = transport != URB_TRANSPORT_NONE && timer_open(on_timer, NULL);
  return transport;
}

urb_plug urb_plugged(void) {
  if (transport == URB_TRANSPORT_RING) return urb_ring_plug(&ring);
  return transport == URB_TRANSPORT_VIRTIO ? virtio_usb_plug(&usb) : (urb_plug){false, 0, 0, 0};
}

static void kick(void) {
  if (transport == URB_TRANSPORT_VIRTIO) virtio_usb_kick(&usb);
}

bool urb_submit(urb *transfer) {
  if (!urb_queue_submit(&queue, transfer)) return false;
  kick();
  return true;
}

void urb_unlink(urb *transfer) {
  if (urb_queue_unlink(&queue, transfer)) kick();
}

uint32_t urb_poll(void) { return urb_queue_poll(&queue); }

void urb_wait(void) {
  uint32_t before = interrupt_disable();
  if (transport == URB_TRANSPORT_RING) urb_ring_wait(&ring, &queue);
  else if (!urb_queue_has_completed(&queue) && !usb.woken) interrupt_wait();
  usb.woken = false;
  interrupt_restore(before);
}

bool urb_wait_until(uint64_t ticks) {
  if (time_now() >= ticks) return false;
  if (has_timer && (!timer_runs || timer_ticks > ticks)) {
    timer_ticks = ticks;
    timer_runs = true;
    timer_set(ticks);
  }
  urb_wait();
  return true;
}

uint64_t urb_deadline(uint32_t milliseconds) { return time_now() + (uint64_t)(board_timebase() / 1000) * milliseconds; }
