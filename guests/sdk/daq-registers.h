/** Registers of the RV-DAQ16 (docs/daq-board.md), as offsets from its base. */
#pragma once

#define DAQ_ID 0x51445652u

enum {
  MODE = 0x040,
  DIVISOR = 0x044,
  CHANNEL_MASK = 0x048,
  RING_LOW = 0x04C,
  RING_HIGH = 0x050,
  RING_SIZE = 0x054,
  COALESCE_COUNT = 0x058,
  COALESCE_US = 0x05C,
  ACKNOWLEDGE = 0x070,
  TAIL = 0x074,
  RUN = 0x07C,
  LOST = 0x090,
  DMA_ERRORS = 0x094,
  RUNNING = 0x0B8,
  HEAD = 0x0BC,
  FIFO_DATA = 0x0C0,
};
enum { MODE_DMA = 1, MODE_COUNTER = 2, MODE_INTERRUPT = 4 };
#define DAQ_NO_SAMPLE 0xFFFFFFFFu
