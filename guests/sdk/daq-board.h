/** Driver of the RV-DAQ16 (docs/daq-board.md), by registers on the bus or by the page of RAM that stands for them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"

#define DAQ_CHANNELS 16u
#define DAQ_CLOCK_HZ 10000000u
#define DAQ_LEAST_DIVISOR 10u
#define DAQ_DESCRIPTORS 64u

typedef struct {
  uint32_t divisor;
  uint32_t channel_mask;
  /** Samples count up instead of being converted. */
  bool is_counter;
  /** Descriptors, a power of two from 2 to `DAQ_DESCRIPTORS`; 0 for programmed input and output. */
  uint32_t descriptors;
  /** Bytes of a block, even. */
  uint32_t block_bytes;
  /** Where `descriptors` blocks follow each other. */
  uint8_t *blocks;
} daq_run;

/** A block that the board has written. */
typedef struct {
  const uint16_t *samples;
  uint32_t count;
  /** Number of the first sample in the run, lost ones counted, modulo 2^32. */
  uint32_t sequence;
  /** When it was taken, in nanoseconds of the board's clock. */
  uint64_t time_ns;
} daq_block;

/** 32 bytes as the board reads and writes them. */
typedef struct {
  uint32_t address_low, address_high, length, reserved;
  volatile uint32_t done_length, sequence, time_low, time_high;
} daq_descriptor;

typedef struct {
  uint32_t base;
  /** The registers are a page that is polled. */
  bool is_window;
  uint32_t interrupt;
  uint32_t mode;
  uint32_t run;
  uint32_t descriptors;
  uint32_t block_bytes;
  uint8_t *blocks;
  /** Blocks that the board has said are done, those taken, and those given back; counted freely. */
  volatile uint32_t head;
  uint32_t taken;
  uint32_t returned;
  volatile uint32_t interrupts;
  /** The ring has stopped, or the FIFO is half full. */
  volatile bool has_failed, is_ready;
} daq_board;

/** Finds the board that `/chosen` names. False when there is none. */
bool daq_open(daq_board *board);
/** Begins a run. False for programmed mode behind a page: no register there has an effect of its own. */
bool daq_start(daq_board *board, const daq_run *run);
void daq_stop(daq_board *board);
/** The oldest block that was not taken; it is the caller's until `daq_return`. False when there is none. */
bool daq_take(daq_board *board, daq_block *block);
/** Gives the oldest block taken back to the board. */
void daq_return(daq_board *board);
/** Takes up to `most` samples from the FIFO in programmed mode; the answer is how many. */
uint32_t daq_read(daq_board *board, uint16_t *samples, uint32_t most);
/** Sleeps until there may be a block, samples or an error. */
void daq_wait(daq_board *board);
/** Samples of this run that found the FIFO full, modulo 2^32. */
uint32_t daq_lost(const daq_board *board);
