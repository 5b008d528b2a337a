/** Sums over blocks: one pass over all samples, one over each channel. */
#include "block.h"

#include <string.h>

void block_open(block_record *block, uint32_t run, uint32_t first_scan, uint32_t channels) {
  memset(block, 0, sizeof *block);
  block->run = run;
  block->first_scan = first_scan;
  block->channels = (uint16_t)channels;
  for (uint32_t i = 0; i < MCC_CHANNELS; i++) block->of_channel[i].least = 0xFFFF;
}

static void add_channel(channel_block *channel, const uint16_t *at, const uint16_t *end, uint32_t stride) {
  uint32_t least = channel->least, most = channel->most, sum = channel->sum;
#pragma GCC unroll 4
  for (; at < end; at += stride) {
    uint32_t value = *at;
    if (value < least) least = value;
    if (value > most) most = value;
    sum += value;
  }
  *channel = (channel_block){(uint16_t)least, (uint16_t)most, sum};
}

void block_add(block_record *block, const uint16_t *samples, uint32_t scans) {
  uint32_t channels = block->channels, sum = block->sum, sum_of_sums = block->sum_of_sums;
  const uint16_t *end = samples + scans * channels;
#pragma GCC unroll 8
  for (const uint16_t *at = samples; at != end; at++) {
    sum += *at;
    sum_of_sums += sum;
  }
  block->sum = sum;
  block->sum_of_sums = sum_of_sums;
  for (uint32_t i = 0; i < channels; i++) add_channel(&block->of_channel[i], samples + i, end, channels);
  block->scans += scans;
}

/** Without a branch for each sample, since nearly always all is well. */
static bool counts_up(const uint16_t *samples, uint32_t count, uint16_t last) {
  uint32_t expected = last + 1u, differences = 0;
#pragma GCC unroll 8
  for (uint32_t i = 0; i < count; i++) differences |= samples[i] - (expected + i);
  return (differences & 0xFFFFu) == 0;
}

uint32_t counter_gap(const uint16_t *samples, uint32_t count, uint16_t last) {
  if (counts_up(samples, count, last)) return count;
  for (uint32_t i = 0; i < count; i++) {
    if (samples[i] != (uint16_t)(last + 1)) return i;
    last = samples[i];
  }
  return count;
}
