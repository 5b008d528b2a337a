/** What is plugged into a URB device. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  bool connected;
  /** 1 low, 2 full, 3 high, 5 super. */
  uint32_t speed;
  /** Bus << 16 | device. */
  uint32_t devid;
  /** Grows with each plugging in and out. */
  uint32_t generation;
} urb_plug;
