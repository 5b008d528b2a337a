/** A general-purpose guest under load beside a real-time one: computes, takes blocks of samples, checks and acknowledges them. */
#include <string.h>

#include "block-exchange.h"
#include "board.h"
#include "bootargs.h"
#include "clint.h"
#include "console.h"
#include "interrupt.h"
#include "misbehave.h"
#include "report.h"
#include "shared-memory.h"
#include "work.h"

#define CHANNEL_COUNTERS 0
#define TYPE_COUNTERS 1

static struct {
  uint32_t blocks, good, bad, missed, next_first, gaps, pieces, result, doorbells, refused;
} counters;

static shared_memory shared;
static bool is_shared;
static uint32_t report_at, report_period;
static uint32_t looked_at;

static void on_doorbell(void *context) {
  (void)context;
  csr_clear(mip, 1u << shared.interrupt);
}

static void on_timer(void *context) { (void)context; }

static void look_at(uint32_t sequence) {
  sample_block block;
  memcpy(&block, (const void *)(shared.input + sequence % BLOCK_SLOTS * BLOCK_SLOT_BYTES), sizeof block);
  counters.blocks++;
  /* What was overwritten before it was looked at is a loss, not a fault. */
  if (block.sequence != sequence) {
    counters.missed++;
    return;
  }
  if (block.count > BLOCK_MAX_SAMPLES || block_crc(&block) != block.crc) {
    counters.bad++;
    return;
  }
  counters.good++;
  if (block.first != counters.next_first) counters.gaps++;
  counters.next_first = block.first + block.count;
}

static void ring(uint32_t length, uint32_t vector) {
  if (shared_memory_ring(&shared, 0, length, vector)) counters.doorbells++;
  else counters.refused++;
}

/** Takes every block that has come; the peer's doorbells number them. */
static void take_blocks(void) {
  if (!is_shared) return;
  uint32_t rung = shared_memory_rung(&shared, VECTOR_BLOCK);
  if (rung == looked_at) return;
  while (looked_at != rung) look_at(++looked_at);
  block_acknowledgement answer = {looked_at, counters.good, counters.bad, counters.missed};
  memcpy((void *)shared.output, &answer, sizeof answer);
  ring(sizeof answer, VECTOR_ACKNOWLEDGED);
}

static void report(void) {
  if ((int32_t)(time_low() - report_at) < 0) return;
  report_at += report_period;
  timer_set(time_now() + report_period);
  report_send(CHANNEL_COUNTERS, TYPE_COUNTERS, &counters, sizeof counters);
}

static _Noreturn void run_idle(void) {
  interrupt_disable();
  for (;;) {
    take_blocks();
    report();
    interrupt_sleep();
    interrupt_enable();
    interrupt_disable();
  }
}

static _Noreturn void run_load(void) {
  for (;;) {
    counters.result = work_piece();
    counters.pieces++;
    take_blocks();
    report();
  }
}

static _Noreturn void run_flood(void) {
  for (;;) {
    counters.pieces++;
    take_blocks();
    report();
    if (is_shared) ring(64, VECTOR_ACKNOWLEDGED);
  }
}

static _Noreturn void run_spin(void) {
  interrupt_disable();
  for (;;) __asm__ volatile("" ::: "memory");
}

/** Works properly until a moment that the seed chooses, then does one wrong thing after the other. */
static _Noreturn void run_crash(uint32_t seed, uint32_t within_ticks) {
  random_source source = {seed * 2654435761u + 1};
  if (source.state == 0) source.state = 1;
  for (uint32_t i = 0; i < 8; i++) random_next(&source);
  for (;;) {
    uint32_t moment = time_low() + random_next(&source) % within_ticks;
    while ((int32_t)(time_low() - moment) < 0) {
      take_blocks();
      report();
    }
    misbehave(&source, is_shared ? &shared : NULL);
  }
}

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  report_open();
  report_period = board_timebase() / 1000 * bootargs_number("report", 1000, 100000);
  is_shared = shared_memory_open(&shared);
  if (is_shared) {
    interrupt_on_local(shared.interrupt, on_doorbell, NULL);
    shared_memory_accept(&shared, 1u << VECTOR_BLOCK);
  }
  if (!timer_open(on_timer, NULL) || report_period == 0) return 1;
  report_at = time_low() + report_period;
  timer_set(time_now() + report_period);
  if (bootargs_is("mode", "idle")) run_idle();
  if (bootargs_is("mode", "spin")) run_spin();
  if (bootargs_is("mode", "flood")) run_flood();
  uint32_t within = bootargs_number("within", 5, 10000) * (board_timebase() / 1000);
  if (bootargs_is("mode", "crash")) run_crash(bootargs_number("seed", 1, 0xFFFFFFFFu), within == 0 ? 1 : within);
  run_load();
}
