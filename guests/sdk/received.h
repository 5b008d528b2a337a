/** A received character with its line status; the layout is that of a serial ring's entry. */
#pragma once

#include <stdint.h>

#define LINE_OVERRUN 0x02u
#define LINE_PARITY 0x04u
#define LINE_FRAMING 0x08u
#define LINE_BREAK 0x10u
#define LINE_ERRORS (LINE_OVERRUN | LINE_PARITY | LINE_FRAMING | LINE_BREAK)

typedef struct {
  uint8_t character;
  /** `LINE_…` bits. */
  uint8_t status;
} received_character;
