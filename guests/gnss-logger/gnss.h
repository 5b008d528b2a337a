/**
 * Finds NMEA 0183 sentences and UBX messages in one stream of bytes, checks every checksum and finds its way back
 * after rubbish. Plain C without any board: it also runs on a workstation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fix.h"
#include "nmea.h"
#include "ubx.h"

/** The longest UBX payload that is believed; a longer one is a false start. */
#define UBX_MAX_PAYLOAD 2560u
#define UBX_OVERHEAD 8u

/** Counts of a stream since its beginning, in the layout of the report record. */
typedef struct {
  /** Bytes given to `gnss_feed`. */
  uint32_t bytes;
  /** Sentences whose checksum was right and whose fields were as the standard says, understood or not. */
  uint32_t nmea_ok;
  uint32_t nmea_checksum_errors;
  /** Sentences given up: a wrong character, no checksum, too long, or a field that is not as the standard says. */
  uint32_t nmea_malformed;
  /** Messages whose checksum was right. */
  uint32_t ubx_ok;
  uint32_t ubx_checksum_errors;
  /** Runs of skipped bytes. */
  uint32_t resyncs;
  /** Bytes that belonged to no sentence and no message. */
  uint32_t skipped_bytes;
  /** Line errors, counted by whoever reads the port. */
  uint32_t overruns;
  uint32_t parity_errors;
  uint32_t framing_errors;
  uint32_t breaks;
  /** Messages with a right checksum that were of no use: another kind, or a UBX payload that cannot be. */
  uint32_t unknown_messages;
} gnss_counters;

_Static_assert(sizeof(gnss_counters) == 52, "the record as in the manifest");

/** One stream; zero it, then call `gnss_open`. */
typedef struct {
  gnss_counters counters;
  nmea_parser nmea;
  ubx_parser ubx;
  uint8_t state;
  uint8_t skipping;
  /** Stream position behind the byte being looked at; goes back when bytes are looked at again. */
  uint32_t offset;

  uint8_t line_checksum;
  uint8_t told_checksum;
  uint32_t line_length;
  char line[NMEA_MAX_TEXT + 1];

  uint8_t checksum_a;
  uint8_t checksum_b;
  uint32_t frame_length;
  uint32_t frame_end;
  /** Bytes of a false start that are to be looked at again: `frame[again, again_end)`. */
  uint32_t again;
  uint32_t again_end;
  uint8_t frame[UBX_MAX_PAYLOAD + UBX_OVERHEAD];
} gnss_stream;

void gnss_open(gnss_stream *stream, gnss_sink sink);

/** Looks at `count` bytes, `stride` bytes apart; whatever they complete goes to the sink at once. */
void gnss_feed(gnss_stream *stream, const uint8_t *bytes, size_t count, size_t stride);
