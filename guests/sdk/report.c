/** The report channel. */
#include "report.h"

#include <string.h>

#include "board.h"
#include "console.h"
#include "csr.h"
#include "sbi.h"

#define RING_MAGIC 0x52525652u
#define RING_VERSION 1u

enum {
  HEADER_MAGIC = 0x000,
  HEADER_VERSION = 0x004,
  DATA_OFFSET = 0x008,
  DATA_BYTES = 0x00C,
  HEAD = 0x040,
  TAIL = 0x080,
  DROPPED = 0x0C0,
};

/** One record; the layout is the rig's. */
typedef struct {
  uint32_t channel;
  uint32_t sequence;
  uint64_t time;
  uint32_t type;
  uint32_t payload_length;
  uint8_t payload[REPORT_MAX_PAYLOAD];
} report_record;

#define RECORD_HEADER 24u

_Static_assert(sizeof(report_record) == RECORD_HEADER + REPORT_MAX_PAYLOAD, "the record has no padding");

static uint32_t sequences[REPORT_CHANNELS];
static uint32_t ring;
static uint8_t *ring_data;
static uint32_t ring_bytes;

static uint32_t ring_get(uint32_t offset) { return *(volatile uint32_t *)(ring + offset); }
static void ring_put(uint32_t offset, uint32_t value) { *(volatile uint32_t *)(ring + offset) = value; }

void report_open(void) {
  const fdt_tree *tree = board_tree();
  fdt_node node = fdt_find(tree, fdt_text(tree, fdt_find(tree, "/chosen"), "rigvisor,report-ring"));
  uint32_t length;
  ring_bytes = 0;
  if (node == FDT_NONE || !fdt_reg(tree, node, &ring, &length) || length < 0x100 || (ring & 7) != 0) return;
  if (ring_get(HEADER_MAGIC) != RING_MAGIC || ring_get(HEADER_VERSION) != RING_VERSION) return;
  uint32_t offset = ring_get(DATA_OFFSET), bytes = ring_get(DATA_BYTES);
  if (bytes < 8 || (bytes & (bytes - 1)) != 0 || (offset & 7) != 0 || offset > length || bytes > length - offset) return;
  ring_data = (uint8_t *)(ring + offset);
  ring_bytes = bytes;
}

static bool send_to_ring(const report_record *record, uint32_t length) {
  uint32_t padded = (length + 7) & ~7u, head = ring_get(HEAD);
  if (padded > ring_bytes - (head - ring_get(TAIL))) {
    ring_put(DROPPED, ring_get(DROPPED) + 1);
    return false;
  }
  fence_all();
  uint32_t place = head & (ring_bytes - 1), until_end = ring_bytes - place;
  const uint8_t *bytes = (const uint8_t *)record;
  uint32_t first = padded < until_end ? padded : until_end;
  memcpy(ring_data + place, bytes, first);
  memcpy(ring_data, bytes + first, padded - first);
  fence_write();
  ring_put(HEAD, head + padded);
  return true;
}

static bool send_to_console(const report_record *record, uint32_t length) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *bytes = (const uint8_t *)record;
  console_write("@report ", 8);
  for (uint32_t i = 0; i < length; i++) {
    char text[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    console_write(text, 2);
  }
  console_write("\n", 1);
  return true;
}

bool report_send(uint32_t channel, uint32_t type, const void *payload, uint32_t length) {
  static report_record record;
  if (channel >= REPORT_CHANNELS || length > REPORT_MAX_PAYLOAD) return false;
  record.channel = channel;
  record.sequence = sequences[channel]++;
  record.time = time_now();
  record.type = type;
  record.payload_length = length;
  memcpy(record.payload, payload, length);
  uint32_t total = RECORD_HEADER + length;
  memset((uint8_t *)&record + total, 0, (8 - total % 8) % 8);
  if (ring_bytes != 0) return send_to_ring(&record, total);
  if (board_has_hypervisor()) return sbi_report(&record, total).error == SBI_SUCCESS;
  return send_to_console(&record, total);
}
