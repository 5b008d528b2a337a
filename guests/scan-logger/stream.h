/** Several bulk transfers in flight on the data endpoint; their bytes come as whole scans, in order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mcc.h"

#define STREAM_TRANSFERS 8u
#define STREAM_TRANSFER_BYTES 16384u

/** One stream. */
typedef struct {
  urb transfers[STREAM_TRANSFERS];
  /** What a transfer brought was not used yet. */
  bool owed[STREAM_TRANSFERS];
  /** The transfer that is done next. */
  uint32_t next;
  uint32_t transfer_bytes;
  uint32_t scan_bytes;
  /** Bytes of a scan that is not complete, in front of the next transfer's data. */
  uint32_t carried;
  uint8_t carry[2 * MCC_CHANNELS];
  /** Bytes received since the guest began. */
  uint32_t bytes;
} stream;

/** Submits every transfer; false when the queue has no room. */
bool stream_start(stream *s, uint32_t transfer_bytes, uint32_t scan_bytes);

/**
 * The oldest transfer, when it is done: answers true, its status, and the whole scans that it completes, which stay where
 * they are until `stream_resubmit`.
 */
bool stream_take(stream *s, int32_t *status, const uint16_t **samples, uint32_t *scans);

/** Gives the transfer that was taken last back to the device. */
bool stream_resubmit(stream *s);

/** Takes every transfer back. What they bring is still to be taken by `stream_take`, until that answers false. */
void stream_stop(stream *s);
