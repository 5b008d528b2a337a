/** The URB ring driver. */
#include "urb-ring.h"

#include "board.h"
#include "interrupt.h"

#define MAGIC 0x52555652u
#define VERSION 1u

enum {
  HEADER_MAGIC = 0x000,
  HEADER_VERSION = 0x004,
  QUEUE_SIZE = 0x008,
  DESC_OFFSET = 0x00C,
  AVAIL_OFFSET = 0x010,
  USED_OFFSET = 0x014,
  CONNECTED = 0x040,
  SPEED = 0x044,
  DEVID = 0x048,
  GENERATION = 0x04C,
  READY = 0x080,
};

static uint32_t get(const urb_ring *ring, uint32_t offset) { return *(const volatile uint32_t *)(ring->area + offset); }

static bool fits(uint32_t offset, uint32_t bytes, uint32_t alignment, uint32_t length) {
  return offset % alignment == 0 && offset <= length && bytes <= length - offset;
}

bool urb_ring_open(urb_ring *ring, fdt_node node, urb_queue *queue) {
  const fdt_tree *tree = board_tree();
  uint32_t length;
  if (!fdt_is_compatible(tree, node, "rigvisor,urb-ring") || !fdt_reg(tree, node, &ring->area, &length)) return false;
  if (!fdt_u32(tree, node, "rigvisor,local-interrupt", &ring->interrupt)) return false;
  if (ring->interrupt < 16 || ring->interrupt > 31 || length < 0x200 || (ring->area & 15) != 0) return false;
  if (get(ring, HEADER_MAGIC) != MAGIC || get(ring, HEADER_VERSION) != VERSION) return false;
  uint32_t size = get(ring, QUEUE_SIZE);
  if (size == 0 || size > URB_QUEUE_SIZE || (size & (size - 1)) != 0) return false;
  uint32_t desc = get(ring, DESC_OFFSET), avail = get(ring, AVAIL_OFFSET), used = get(ring, USED_OFFSET);
  if (!fits(desc, 16 * size, 16, length) || !fits(avail, 4 + 2 * size, 2, length)) return false;
  if (!fits(used, 4 + 8 * size, 4, length)) return false;
  urb_queue_open(queue, (uint16_t)size, (void *)(ring->area + desc), (volatile void *)(ring->area + avail),
                 (volatile void *)(ring->area + used));
  fence_write();
  *(volatile uint32_t *)(ring->area + READY) = 1;
  return true;
}

urb_plug urb_ring_plug(const urb_ring *ring) {
  urb_plug plug;
  do {
    plug.generation = get(ring, GENERATION);
    fence_read();
    plug.connected = get(ring, CONNECTED) != 0;
    plug.speed = get(ring, SPEED);
    plug.devid = get(ring, DEVID);
    fence_read();
  } while (get(ring, GENERATION) != plug.generation);
  return plug;
}

void urb_ring_wait(urb_ring *ring, const urb_queue *queue) {
  uint32_t doorbell = 1u << ring->interrupt;
  /* Whatever is completed from here on rings again: looking at the ring afterwards misses nothing. */
  csr_clear(mip, doorbell);
  fence_all();
  uint32_t generation = get(ring, GENERATION);
  bool is_new = generation != ring->generation_woken;
  ring->generation_woken = generation;
  if (is_new || urb_queue_has_completed(queue)) return;
  /* Enabled only here, with interrupts off: the doorbell ends `wfi` and is never taken as a trap. */
  csr_set(mie, doorbell);
  interrupt_sleep();
  csr_clear(mie, doorbell);
}
