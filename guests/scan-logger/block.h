/** What a block of scans amounts to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mcc.h"

typedef struct {
  uint16_t least;
  uint16_t most;
  /** Modulo 2^32. */
  uint32_t sum;
} channel_block;

/** The record's payload; `of_channel` ends behind the channels that are scanned. */
typedef struct {
  uint32_t run;
  uint32_t first_scan;
  uint32_t scans;
  uint32_t stream_offset;
  /** Modulo 2^32, over all samples in the order in which they came: their sum, and the sum of the sums so far. */
  uint32_t sum;
  uint32_t sum_of_sums;
  uint16_t channels;
  /** Samples that were not one more than the sample before them; counter mode alone. */
  uint16_t gaps;
  channel_block of_channel[MCC_CHANNELS];
} block_record;

_Static_assert(sizeof(block_record) == 92, "the record as in the manifest");

#define BLOCK_HEADER_BYTES 28u

/** A block of `channels` without a scan. */
void block_open(block_record *block, uint32_t run, uint32_t first_scan, uint32_t channels);

/** Adds whole scans. */
void block_add(block_record *block, const uint16_t *samples, uint32_t scans);

/** The first of `count` samples that is not one more than the one before it, `*last` before the first; `count` if there is none. */
uint32_t counter_gap(const uint16_t *samples, uint32_t count, uint16_t last);
