/** Meaning of UBX messages of u-blox receivers: NAV-PVT, -SOL, -POSLLH, -STATUS, -TIMEGPS and -TIMEUTC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fix.h"

/** What earlier messages told; zeroed before the first. */
typedef struct {
  gnss_sink sink;
  /** GPS time minus UTC in seconds. */
  bool leap_known;
  int32_t leap_s;
  /** One moment in both time scales: time of week in ms, Unix time in ms. */
  bool moment_known;
  uint32_t moment_itow;
  int64_t moment_utc_ms;
  /** Kind and satellites of the last solution. */
  uint8_t mode;
  uint8_t satellites;
  /** Epoch that `mode` is of: time of week in ms. */
  bool mode_known;
  uint32_t mode_itow;
  /** A position that does not say whether it is valid, until a message of its epoch does. */
  bool held;
  uint32_t held_itow;
  gnss_fix held_fix;
} ubx_parser;

/** Interprets a message whose checksum was right. */
gnss_verdict ubx_message(ubx_parser *parser, uint8_t class_id, uint8_t message_id, const uint8_t *payload, uint32_t length,
                         uint32_t stream_offset);
