/** The serial ring driver. */
#include "serial-ring.h"

#include "board.h"
#include "interrupt.h"

#define MAGIC 0x52535652u
#define VERSION 1u

enum {
  HEADER_MAGIC = 0x000,
  HEADER_VERSION = 0x004,
  HEADER_RX_OFFSET = 0x008,
  HEADER_RX_ENTRIES = 0x00C,
  HEADER_TX_OFFSET = 0x010,
  HEADER_TX_ENTRIES = 0x014,
  RX_HEAD = 0x040,
  RX_TAIL = 0x080,
  TX_HEAD = 0x0C0,
  TX_TAIL = 0x100,
  RX_LOST = 0x140,
  BAUD_RATE = 0x180,
  LINE_CONTROL = 0x184,
  MODEM_CONTROL = 0x188,
  CONTROL_SEQUENCE = 0x18C,
  DISCONNECTED = 0x1C4,
};

#define LINE_CONTROL_8N1 0x03u
#define MODEM_CONTROL_DTR_RTS 0x03u

static uint32_t get(const serial_ring *ring, uint32_t offset) { return *(const volatile uint32_t *)(ring->area + offset); }
static void put(const serial_ring *ring, uint32_t offset, uint32_t value) {
  *(volatile uint32_t *)(ring->area + offset) = value;
}

static bool fits(uint32_t offset, uint32_t entries, uint32_t length) {
  bool power_of_two = entries != 0 && (entries & (entries - 1)) == 0;
  return power_of_two && (offset & 1) == 0 && offset <= length && entries <= (length - offset) / 2;
}

bool serial_ring_open(serial_ring *ring, fdt_node node, uint32_t baud_rate) {
  const fdt_tree *tree = board_tree();
  uint32_t length;
  if (!fdt_is_compatible(tree, node, "rigvisor,serial-ring") || !fdt_reg(tree, node, &ring->area, &length)) return false;
  if (!fdt_u32(tree, node, "rigvisor,local-interrupt", &ring->interrupt)) return false;
  if (ring->interrupt < 16 || ring->interrupt > 31 || length < 0x200 || (ring->area & 3) != 0) return false;
  if (get(ring, HEADER_MAGIC) != MAGIC || get(ring, HEADER_VERSION) != VERSION) return false;
  uint32_t rx = get(ring, HEADER_RX_OFFSET), rx_entries = get(ring, HEADER_RX_ENTRIES);
  uint32_t tx = get(ring, HEADER_TX_OFFSET), tx_entries = get(ring, HEADER_TX_ENTRIES);
  if (!fits(rx, rx_entries, length) || !fits(tx, tx_entries, length)) return false;
  ring->received = (const volatile received_character *)(ring->area + rx);
  ring->transmitted = (volatile uint16_t *)(ring->area + tx);
  ring->received_mask = rx_entries - 1;
  ring->transmitted_mask = tx_entries - 1;
  ring->tail = get(ring, RX_TAIL);
  ring->lost_seen = get(ring, RX_LOST);
  put(ring, BAUD_RATE, baud_rate);
  put(ring, LINE_CONTROL, LINE_CONTROL_8N1);
  put(ring, MODEM_CONTROL, MODEM_CONTROL_DTR_RTS);
  fence_write();
  put(ring, CONTROL_SEQUENCE, get(ring, CONTROL_SEQUENCE) + 1);
  return true;
}

uint32_t serial_ring_read(serial_ring *ring, received_character *into, uint32_t max) {
  uint32_t tail = ring->tail, count = get(ring, RX_HEAD) - tail;
  if (count == 0) return 0;
  fence_read();
  if (count > max) count = max;
  uint32_t mask = ring->received_mask;
  const volatile uint16_t *entries = (const volatile uint16_t *)ring->received;
  uint16_t *out = (uint16_t *)into;
  for (uint32_t i = 0; i < count; i++) out[i] = entries[(tail + i) & mask];
  uint32_t lost = get(ring, RX_LOST);
  if (lost != ring->lost_seen) into[0].status |= LINE_OVERRUN;
  ring->lost_seen = lost;
  ring->tail = tail + count;
  /* The rig may overwrite the entries from here on. */
  fence_all();
  put(ring, RX_TAIL, ring->tail);
  return count;
}

bool serial_ring_has_received(const serial_ring *ring) { return get(ring, RX_HEAD) != ring->tail; }

void serial_ring_wait(const serial_ring *ring) {
  uint32_t doorbell = 1u << ring->interrupt;
  /* Whatever is produced from here on rings again: looking at the ring afterwards misses nothing. */
  csr_clear(mip, doorbell);
  fence_all();
  if (serial_ring_has_received(ring)) return;
  /* Enabled only here, with interrupts off: the doorbell ends `wfi` and is never taken as a trap. */
  csr_set(mie, doorbell);
  interrupt_sleep();
  csr_clear(mie, doorbell);
}

bool serial_ring_write(serial_ring *ring, uint8_t character) {
  uint32_t head = get(ring, TX_HEAD);
  if (head - get(ring, TX_TAIL) > ring->transmitted_mask) return false;
  ring->transmitted[head & ring->transmitted_mask] = character;
  fence_write();
  put(ring, TX_HEAD, head + 1);
  return true;
}

bool serial_ring_connected(const serial_ring *ring) { return get(ring, DISCONNECTED) == 0; }
