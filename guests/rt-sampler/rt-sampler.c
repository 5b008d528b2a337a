/** Samples at a fixed rate in an interrupt handler, and hands blocks of samples to a neighbour by shared memory. */
#include <string.h>

#include "block-exchange.h"
#include "board.h"
#include "bootargs.h"
#include "console.h"
#include "event-source.h"
#include "report.h"
#include "rt.h"
#include "shared-memory.h"

#define CHANNEL_BLOCKS 0
#define CHANNEL_COUNTERS 1
#define TYPE_BLOCK 1
#define TYPE_COUNTERS 2

enum { PRIORITY_COUNTERS = 1, PRIORITY_BUSY = 2, PRIORITY_ACKNOWLEDGEMENTS = 3, PRIORITY_BLOCKS = 5, PRIORITY_CEILING = 6 };

#define STACK_BYTES 2048u

typedef struct {
  uint32_t sequence, first, count, sum, crc;
} block_record;

/** Records are sent by two tasks, and the SDK's report channel is for one at a time. */
static rt_mutex reports = {PRIORITY_CEILING, 0};

static struct {
  uint32_t samples, blocks, rung, refused, acknowledged, good, bad, missed, worst_ticks, overruns, dropped_records;
} counters;

static shared_memory shared;
static bool is_shared;
static uint32_t block_samples, counters_period;

/** One is filled by the handler while the other is sent. */
static sample_block buffers[2];
static volatile uint32_t filling, filled;
static uint32_t fill;
static rt_semaphore block_ready, acknowledged;

void rt_isr_timer(void) {
  uint32_t now = rt_now();
  sample_block *block = &buffers[filling];
  block->samples[fill] = event_source_take();
  uint32_t late = now - event_source_due();
  if (late > counters.worst_ticks) counters.worst_ticks = late;
  counters.samples++;
  if (++fill < block_samples) return;
  fill = 0;
  filling ^= 1;
  filled++;
  rt_semaphore_give_from_isr(&block_ready);
}

void rt_isr_shared_memory(void) {
  csr_clear(mip, 1u << INTERRUPT_SHARED_MEMORY);
  rt_semaphore_give_from_isr(&acknowledged);
}

static void send_record(uint32_t channel, uint32_t type, const void *payload, uint32_t length) {
  rt_mutex_lock(&reports);
  if (!report_send(channel, type, payload, length)) counters.dropped_records++;
  rt_mutex_unlock(&reports);
}

static void hand_over(const sample_block *block) {
  uint32_t offset = block->sequence % BLOCK_SLOTS * BLOCK_SLOT_BYTES;
  uint32_t length = BLOCK_HEADER_BYTES + 2 * block->count;
  memcpy((void *)(shared.output + offset), block, length);
  if (shared_memory_ring(&shared, offset, length, VECTOR_BLOCK)) counters.rung++;
  else counters.refused++;
}

static void send_blocks(void *context) {
  (void)context;
  for (uint32_t sequence = 1;; sequence++) {
    rt_semaphore_wait(&block_ready);
    sample_block *block = &buffers[(sequence - 1) & 1];
    /* The handler fills this one again as soon as the other is full. */
    if (filled - sequence >= 1) counters.overruns++;
    block->sequence = sequence;
    block->first = (sequence - 1) * block_samples;
    block->count = block_samples;
    block->crc = block_crc(block);
    if (is_shared) hand_over(block);
    counters.blocks++;
    block_record record = {sequence, block->first, block->count, 0, block->crc};
    for (uint32_t i = 0; i < block_samples; i++) record.sum += block->samples[i];
    send_record(CHANNEL_BLOCKS, TYPE_BLOCK, &record, sizeof record);
  }
}

static void take_acknowledgements(void *context) {
  (void)context;
  for (;;) {
    rt_semaphore_wait(&acknowledged);
    block_acknowledgement answer;
    memcpy(&answer, (const void *)shared.input, sizeof answer);
    counters.acknowledged = answer.sequence;
    counters.good = answer.good;
    counters.bad = answer.bad;
    counters.missed = answer.missed;
  }
}

static void send_counters(void *context) {
  (void)context;
  for (uint32_t next = rt_now() + counters_period;; next += counters_period) {
    rt_sleep_until(next);
    counters.overruns += event_source_missed();
    send_record(CHANNEL_COUNTERS, TYPE_COUNTERS, &counters, sizeof counters);
    counters.overruns -= event_source_missed();
  }
}

/** Keeps the kernel busy at moments that have nothing to do with the samples, so that events fall into its every section. */
static void be_busy(void *context) {
  static rt_mutex mutex = {PRIORITY_CEILING + 1, 0};
  static rt_semaphore semaphore;
  uint32_t state = 1;
  (void)context;
  for (;;) {
    rt_semaphore_give(&semaphore);
    rt_mutex_lock(&mutex);
    state = 1664525u * state + 1013904223u;
    rt_mutex_unlock(&mutex);
    rt_semaphore_wait(&semaphore);
    rt_sleep_until(rt_now() + (state >> 25));
  }
}

int main(uint32_t hart_id, const void *device_tree) {
  static uint8_t stacks[4][STACK_BYTES] __attribute__((aligned(16)));
  (void)hart_id;
  (void)device_tree;
  report_open();
  uint32_t rate = bootargs_number("rate", 1000, 20000);
  block_samples = bootargs_number("block", 64, BLOCK_MAX_SAMPLES);
  counters_period = board_timebase() / 1000 * bootargs_number("counters", 1000, 100000);
  if (rate == 0 || block_samples == 0 || counters_period == 0) return 1;
  is_shared = shared_memory_open(&shared);
  if (is_shared && bootargs_number("accept", 1, 1) == 1) shared_memory_accept(&shared, 1u << VECTOR_ACKNOWLEDGED);
  rt_task(PRIORITY_BLOCKS, send_blocks, NULL, stacks[0], STACK_BYTES);
  rt_task(PRIORITY_ACKNOWLEDGEMENTS, take_acknowledgements, NULL, stacks[1], STACK_BYTES);
  rt_task(PRIORITY_COUNTERS, send_counters, NULL, stacks[2], STACK_BYTES);
  if (bootargs_number("busy", 0, 1) == 1) rt_task(PRIORITY_BUSY, be_busy, NULL, stacks[3], STACK_BYTES);
  uint32_t period = board_timebase() / rate;
  /* The kernel has started by then. */
  if (!event_source_start(rt_now() + board_timebase() / 500, period)) return 2;
  rt_start();
  console_print("rt-sampler: there is no timer\n");
  return 3;
}
