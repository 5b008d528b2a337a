/** Meaning of NMEA 0183 sentences: positions, dates and satellites. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fix.h"

#define NMEA_MAX_TEXT 256u
#define NMEA_CONSTELLATIONS 7u

/** What earlier sentences told; zeroed before the first. */
typedef struct {
  gnss_sink sink;
  /** The newest moment whose date is known. */
  bool dated;
  int32_t day;
  int32_t ms_of_day;
  /** Of the last GSA: 1 none, 2 = 2D, 3 = 3D; 0 before the first. */
  uint8_t gsa_mode;
  /** Of the last GGA or GNS; 0 before the first. */
  uint8_t fix_mode;
  uint8_t satellites;
  /** Sentence kinds, to see where a run of GSA or GSV begins. */
  uint32_t previous;
  uint8_t in_view[NMEA_CONSTELLATIONS];
  gnss_satellites quality;
} nmea_parser;

/**
 * Interprets the text between `$` and `*`, which is ended by NUL and is changed. A sentence of which a needed field is
 * not as the standard says has no effect at all.
 */
gnss_verdict nmea_sentence(nmea_parser *parser, char *text, uint32_t stream_offset);
