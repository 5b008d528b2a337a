/** Bulk transfers in flight. */
#include "stream.h"

#include <string.h>

#define HEADROOM 16u

/** An incomplete scan goes in front of what comes next, so that scans never wrap. */
static _Alignas(4) uint8_t buffers[STREAM_TRANSFERS][HEADROOM + STREAM_TRANSFER_BYTES];

_Static_assert(2 * MCC_CHANNELS <= HEADROOM, "there is room for an incomplete scan");

static bool submit(stream *s, uint32_t number) {
  urb *transfer = &s->transfers[number];
  transfer->endpoint = MCC_DATA_ENDPOINT;
  transfer->data = buffers[number] + HEADROOM;
  transfer->length = s->transfer_bytes;
  s->owed[number] = urb_submit(transfer);
  return s->owed[number];
}

bool stream_start(stream *s, uint32_t transfer_bytes, uint32_t scan_bytes) {
  s->transfer_bytes = transfer_bytes;
  s->scan_bytes = scan_bytes;
  s->carried = 0;
  s->next = 0;
  for (uint32_t i = 0; i < STREAM_TRANSFERS; i++) {
    if (!submit(s, i)) return false;
  }
  return true;
}

bool stream_take(stream *s, int32_t *status, const uint16_t **samples, uint32_t *scans) {
  uint32_t number = s->next;
  urb *transfer = &s->transfers[number];
  if (!s->owed[number] || !transfer->done) return false;
  s->owed[number] = false;
  s->next = (number + 1) % STREAM_TRANSFERS;
  s->bytes += transfer->actual;
  *status = transfer->status;
  uint8_t *data = buffers[number] + HEADROOM;
  uint32_t length = s->carried + transfer->actual;
  /* Samples lie at even addresses; an odd number is carried only when the device has sent an odd number of bytes. */
  uint8_t *start = data - s->carried - (s->carried & 1);
  if (s->carried & 1) memmove(data - 1, data, transfer->actual);
  memcpy(start, s->carry, s->carried);
  *samples = (const uint16_t *)(const void *)start;
  *scans = length / s->scan_bytes;
  s->carried = length - *scans * s->scan_bytes;
  memcpy(s->carry, start + length - s->carried, s->carried);
  return true;
}

bool stream_resubmit(stream *s) { return submit(s, (s->next + STREAM_TRANSFERS - 1) % STREAM_TRANSFERS); }

void stream_stop(stream *s) {
  for (uint32_t i = 0; i < STREAM_TRANSFERS; i++) {
    urb *transfer = &s->transfers[(s->next + i) % STREAM_TRANSFERS];
    if (!transfer->done) urb_unlink(transfer);
  }
  for (uint32_t i = 0; i < STREAM_TRANSFERS; i++) usb_cancel(&s->transfers[i]);
}
