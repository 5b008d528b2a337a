/** What the parser finds, in the layout of the report records (see docs/guest-abi.md, gnss-logger). */
#pragma once

#include <stdint.h>

#define GNSS_UTC_UNKNOWN (-1)
#define GNSS_ALTITUDE_UNKNOWN INT32_MIN

enum { GNSS_MODE_NONE = 1, GNSS_MODE_2D = 2, GNSS_MODE_3D = 3 };

typedef enum {
  GNSS_SOURCE_GGA = 1,
  GNSS_SOURCE_RMC = 2,
  GNSS_SOURCE_NAV_PVT = 3,
  GNSS_SOURCE_NAV_SOL = 4,
  GNSS_SOURCE_NAV_POSLLH = 5,
  GNSS_SOURCE_GLL = 6,
  GNSS_SOURCE_GNS = 7,
} gnss_source;

/** One valid position. */
typedef struct {
  /** Unix time in milliseconds, or `GNSS_UTC_UNKNOWN`. */
  int64_t utc_ms;
  /** 1e-9 degrees, north and east positive. */
  int64_t lat_e9;
  int64_t lon_e9;
  /** Millimetres above mean sea level, or `GNSS_ALTITUDE_UNKNOWN`. */
  int32_t alt_mm;
  uint16_t source;
  uint8_t mode;
  uint8_t satellites;
  /** Fractional digits of the minutes (NMEA) or of the degrees (UBX). */
  uint32_t digits;
  /** Characters of the stream up to and including the message's last one. */
  uint32_t stream_offset;
} gnss_fix;

typedef struct {
  uint8_t used;
  uint8_t in_view;
  uint16_t reserved;
  /** Dilutions of precision times 100; 0 unknown. */
  uint32_t pdop_e2;
  uint32_t hdop_e2;
  uint32_t vdop_e2;
} gnss_satellites;

_Static_assert(sizeof(gnss_fix) == 40 && sizeof(gnss_satellites) == 16, "records as in the manifest");

/** Who is told. The pointers are valid during the call alone. */
typedef struct {
  void (*fix)(const gnss_fix *fix);
  void (*satellites)(const gnss_satellites *satellites);
} gnss_sink;

/** What became of a message whose checksum was right. */
typedef enum { GNSS_UNDERSTOOD, GNSS_UNKNOWN, GNSS_MALFORMED } gnss_verdict;
