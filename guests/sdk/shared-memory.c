/** The shared-memory driver. */
#include "shared-memory.h"

#include <stddef.h>

#include "board.h"
#include "csr.h"
#include "mmio.h"

#define MAGIC 0x4D535652u
#define VERSION 1u
#define ENTRY_BYTES 16u

enum {
  HEADER_MAGIC = 0x000,
  HEADER_VERSION = 0x004,
  SECTION_BYTES = 0x010,
  OUTPUT_OFFSET = 0x014,
  INPUT_OFFSET = 0x018,
  RING_OFFSET = 0x01C,
  RING_ENTRIES = 0x020,
  BELL_HEAD = 0x040,
  BELL_TAIL = 0x080,
  ACCEPT = 0x0C0,
};

static uint32_t get(const shared_memory *shared, uint32_t offset) {
  return *(const volatile uint32_t *)(shared->area + offset);
}
static void put(const shared_memory *shared, uint32_t offset, uint32_t value) {
  *(volatile uint32_t *)(shared->area + offset) = value;
}

static void kick(const shared_memory *shared) {
  if (shared->kick == 0) return;
  fence_to_device();
  mmio_write32(shared->kick, 1);
}

static bool fits(uint32_t offset, uint32_t bytes, uint32_t length) {
  return (offset & 3) == 0 && offset <= length && bytes <= length - offset;
}

bool shared_memory_open(shared_memory *shared) {
  const fdt_tree *tree = board_tree();
  const char *path = fdt_text(tree, fdt_find(tree, "/chosen"), "rigvisor,shared-memory");
  if (path == NULL) return false;
  fdt_node node = fdt_find(tree, path);
  uint32_t length;
  if (!fdt_is_compatible(tree, node, "rigvisor,shared-memory") || !fdt_reg(tree, node, &shared->area, &length)) return false;
  if (!fdt_u32(tree, node, "rigvisor,local-interrupt", &shared->interrupt)) return false;
  if (shared->interrupt < 16 || shared->interrupt > 31 || length < 0x200 || (shared->area & 63) != 0) return false;
  if (get(shared, HEADER_MAGIC) != MAGIC || get(shared, HEADER_VERSION) != VERSION) return false;
  uint32_t output = get(shared, OUTPUT_OFFSET), input = get(shared, INPUT_OFFSET), bytes = get(shared, SECTION_BYTES);
  uint32_t ring = get(shared, RING_OFFSET), entries = get(shared, RING_ENTRIES);
  if (entries == 0 || (entries & (entries - 1)) != 0 || entries > length / ENTRY_BYTES) return false;
  if (!fits(output, bytes, length) || !fits(input, bytes, length) || !fits(ring, entries * ENTRY_BYTES, length)) return false;
  shared->output = (volatile uint8_t *)(shared->area + output);
  shared->input = (const volatile uint8_t *)(shared->area + input);
  shared->section_bytes = bytes;
  shared->ring = shared->area + ring;
  shared->ring_mask = entries - 1;
  shared->head = get(shared, BELL_HEAD);
  shared->kick = 0;
  fdt_u32(tree, node, "rigvisor,doorbell-register", &shared->kick);
  return true;
}

void shared_memory_accept(const shared_memory *shared, uint32_t mask) {
  put(shared, ACCEPT, mask);
  kick(shared);
}

bool shared_memory_ring(shared_memory *shared, uint32_t offset, uint32_t length, uint32_t vector) {
  if (shared->head - get(shared, BELL_TAIL) > shared->ring_mask) return false;
  volatile uint32_t *entry = (volatile uint32_t *)(shared->ring + ENTRY_BYTES * (shared->head & shared->ring_mask));
  entry[0] = offset;
  entry[1] = length;
  entry[2] = vector;
  fence_write();
  put(shared, BELL_HEAD, ++shared->head);
  kick(shared);
  return true;
}
