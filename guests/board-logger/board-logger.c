/** Runs an RV-DAQ16 and reports its samples in blocks, and what it lost. */
#include <stddef.h>
#include <string.h>

#include "board.h"
#include "bootargs.h"
#include "console.h"
#include "csr.h"
#include "daq-board.h"
#include "report.h"

enum { CHANNEL_BLOCKS = 0, CHANNEL_COUNTERS = 1 };
enum { TYPE_BLOCK = 1, TYPE_COUNTERS = 2 };

#define MOST_BLOCK_BYTES 16384u
#define NS_PER_TICK 100u

typedef struct {
  uint32_t run;
  uint32_t first_scan;
  uint32_t scans;
  uint32_t stream_offset;
  /** Modulo 2^32, over all samples in the order in which they came: their sum, and the sum of the sums so far. */
  uint32_t sum;
  uint32_t sum_of_sums;
  uint16_t channels;
  /** Samples that were not one more than the sample before them; counter source alone. */
  uint16_t gaps;
  uint16_t least;
  uint16_t most;
  uint32_t last_scan;
} block_record;

_Static_assert(sizeof(block_record) == 36, "the record as in the manifest");

/** Counts since the guest began, in the layout of the report record. */
static struct {
  uint32_t bytes;
  uint32_t scans;
  uint32_t blocks;
  uint32_t lost_samples;
  /** Blocks that did not begin with the sample after that of the block before. */
  uint32_t overruns;
  uint32_t dma_errors;
  uint32_t interrupts;
  /** Longest from the last sample of a block to its record, in microseconds; 0 in programmed mode. */
  uint32_t longest_us;
  uint32_t gaps;
  uint32_t dropped_records;
} counters;

_Static_assert(sizeof counters == 40, "the record as in the manifest");

static struct {
  uint32_t channels;
  uint32_t period_ns;
  uint32_t most_blocks;
  uint32_t stall_ms;
  daq_run run;
} config;

static daq_board device;
static _Alignas(64) uint8_t buffers[DAQ_DESCRIPTORS * MOST_BLOCK_BYTES];
static uint32_t next_sample;
static uint32_t reported;

static void send(uint32_t channel, uint32_t type, const void *payload, uint32_t length) {
  if (!report_send(channel, type, payload, length)) counters.dropped_records++;
}

static void report_counters(void) {
  counters.interrupts = device.interrupts;
  send(CHANNEL_COUNTERS, TYPE_COUNTERS, &counters, sizeof counters);
  reported = time_low();
}

static uint32_t power_of_two(uint32_t wanted) {
  uint32_t size = 2;
  while (2 * size <= wanted && size < DAQ_DESCRIPTORS) size *= 2;
  return size;
}

static void configure(void) {
  uint32_t rate = bootargs_number("rate", 100000, 1000000);
  if (rate == 0) rate = 1;
  config.channels = bootargs_number("channels", 1, DAQ_CHANNELS);
  if (config.channels == 0) config.channels = 1;
  uint32_t divisor = DAQ_CLOCK_HZ / rate;
  if (divisor < DAQ_LEAST_DIVISOR) divisor = DAQ_LEAST_DIVISOR;
  config.period_ns = divisor * (1000000000u / DAQ_CLOCK_HZ);
  config.most_blocks = bootargs_number("blocks", 0, 0xFFFFFFFFu);
  config.stall_ms = bootargs_number("stall", 0, 10000);
  uint32_t block_scans = bootargs_number("scans", rate >= 100 ? rate / 100 : 1, MOST_BLOCK_BYTES / 2);
  uint32_t most_scans = MOST_BLOCK_BYTES / 2 / config.channels;
  if (block_scans == 0) block_scans = 1;
  if (block_scans > most_scans) block_scans = most_scans;
  config.run = (daq_run){
      .divisor = divisor,
      .channel_mask = (1u << config.channels) - 1,
      .is_counter = bootargs_is("source", "counter"),
      .descriptors = bootargs_is("mode", "pio") ? 0 : power_of_two(bootargs_number("descriptors", 16, DAQ_DESCRIPTORS)),
      .block_bytes = 2 * block_scans * config.channels,
      .blocks = buffers,
  };
}

/** One pass over the samples. */
static void add(block_record *record, const uint16_t *samples, uint32_t count, uint32_t sequence) {
  uint32_t sum = 0, sum_of_sums = 0, least = 0xFFFF, most = 0, gaps = 0;
#pragma GCC unroll 4
  for (uint32_t i = 0; i < count; i++) {
    uint32_t value = samples[i];
    sum += value;
    sum_of_sums += sum;
    if (value < least) least = value;
    if (value > most) most = value;
    gaps += value != ((sequence + i) & 0xFFFFu);
  }
  record->sum = sum;
  record->sum_of_sums = sum_of_sums;
  record->least = (uint16_t)least;
  record->most = (uint16_t)most;
  if (!config.run.is_counter) return;
  record->gaps = (uint16_t)gaps;
  counters.gaps += gaps;
}

/** Whole scans; `sequence` is the number of the first sample in the run. */
static void use(const uint16_t *samples, uint32_t count, uint32_t sequence) {
  uint32_t scans = count / config.channels;
  if (sequence != next_sample) {
    counters.overruns++;
    counters.lost_samples += sequence - next_sample;
  }
  next_sample = sequence + count;
  counters.bytes += 2 * count;
  counters.scans += scans;
  counters.blocks++;
  block_record record = {.run = device.run,
                         .first_scan = sequence / config.channels,
                         .scans = scans,
                         .stream_offset = counters.bytes,
                         .channels = (uint16_t)config.channels,
                         .last_scan = sequence / config.channels + scans - 1};
  add(&record, samples, count, sequence);
  send(CHANNEL_BLOCKS, TYPE_BLOCK, &record, sizeof record);
}

static void note_latency(const daq_block *block) {
  uint64_t taken_ns = block->time_ns + (uint64_t)(block->count / config.channels - 1) * config.period_ns;
  uint64_t now_ns = time_now() * NS_PER_TICK;
  uint32_t us = now_ns > taken_ns ? (uint32_t)((now_ns - taken_ns) / 1000) : 0;
  if (us > counters.longest_us) counters.longest_us = us;
}

/** Does nothing for so long, once, as a guest with something better to do. */
static void stall(void) {
  uint64_t end = time_now() + (uint64_t)config.stall_ms * (board_timebase() / 1000);
  config.stall_ms = 0;
  while (time_now() < end) continue;
}

/** Takes what is there by DMA; false when there was nothing. */
static bool take_block(void) {
  daq_block block;
  if (!daq_take(&device, &block)) return false;
  use(block.samples, block.count, block.sequence);
  note_latency(&block);
  daq_return(&device);
  if (config.stall_ms != 0 && counters.blocks == 8) stall();
  return true;
}

/** Takes what is there sample by sample; what was lost lies before it. */
static bool take_samples(void) {
  static uint16_t samples[MOST_BLOCK_BYTES / 2];
  static uint32_t known_lost;
  uint32_t lost = daq_lost(&device);
  uint32_t count = daq_read(&device, samples, config.run.block_bytes / 2);
  if (count == 0) return false;
  use(samples, count, next_sample + lost - known_lost);
  known_lost = lost;
  return true;
}

static bool is_over(void) { return config.most_blocks != 0 && counters.blocks >= config.most_blocks; }

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  report_open();
  configure();
  if (!daq_open(&device)) {
    console_print("board-logger: no RV-DAQ16\n");
    return 1;
  }
  if (!daq_start(&device, &config.run)) {
    console_print("board-logger: mode=pio needs registers that are trapped\n");
    return 1;
  }
  bool is_dma = config.run.descriptors != 0;
  while (!is_over() && !device.has_failed) {
    while (!is_over() && (is_dma ? take_block() : take_samples())) continue;
    if (time_low() - reported >= board_timebase()) report_counters();
    if (!is_over()) daq_wait(&device);
  }
  if (device.has_failed) counters.dma_errors++;
  daq_stop(&device);
  report_counters();
  return device.has_failed ? 2 : 0;
}
