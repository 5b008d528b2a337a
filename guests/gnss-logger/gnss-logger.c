/** Reads a GNSS receiver on the acquisition port and reports fixes, counters and satellites. */
#include <stddef.h>

#include "acquisition.h"
#include "board.h"
#include "clint.h"
#include "console.h"
#include "gnss.h"
#include "report.h"

enum { CHANNEL_FIX = 0, CHANNEL_COUNTERS = 1, CHANNEL_SATELLITES = 2 };
enum { TYPE_FIX = 1, TYPE_COUNTERS = 2, TYPE_SATELLITES = 3 };

#define BATCH 128u

static gnss_stream stream;

/** When counters go out. Times are `time` ticks, the low half of them. */
static struct {
  /** Characters came since the last report, since the last look at the time. */
  bool changed;
  bool received;
  bool has_timer;
  volatile bool timer_runs;
  uint32_t reported;
  uint32_t last_received;
  uint32_t second;
  uint32_t pause;
} schedule;

static void on_fix(const gnss_fix *fix) { report_send(CHANNEL_FIX, TYPE_FIX, fix, sizeof *fix); }

static void on_satellites(const gnss_satellites *satellites) {
  report_send(CHANNEL_SATELLITES, TYPE_SATELLITES, satellites, sizeof *satellites);
}

static void on_timer(void *context) {
  (void)context;
  schedule.timer_runs = false;
}

/** Apart from the loop, which nearly always finds nothing to count. */
static __attribute__((noinline)) void count_line_error(uint8_t status) {
  gnss_counters *counters = &stream.counters;
  counters->overruns += (status & LINE_OVERRUN) != 0;
  counters->parity_errors += (status & LINE_PARITY) != 0;
  counters->framing_errors += (status & LINE_FRAMING) != 0;
  counters->breaks += (status & LINE_BREAK) != 0;
}

static inline void count_line_errors(const received_character *received, uint32_t count) {
  for (const received_character *end = received + count; received != end; received++) {
    if (received->status != 0) count_line_error(received->status);
  }
}

static void report_counters(uint32_t now) {
  report_send(CHANNEL_COUNTERS, TYPE_COUNTERS, &stream.counters, sizeof stream.counters);
  schedule.changed = false;
  schedule.reported = now;
}

/** The time is looked at when the timer says so: once a pause while characters come. */
static void follow_timer(void) {
  if (!schedule.changed || schedule.timer_runs) return;
  uint64_t now = time_now();
  bool second_over = (uint32_t)now - schedule.reported >= schedule.second;
  if (second_over || !schedule.received) {
    report_counters((uint32_t)now);
    return;
  }
  schedule.received = false;
  schedule.timer_runs = true;
  timer_set(now + schedule.pause);
}

/** Without a timer the time is looked at whenever something happens. */
static void follow_time(void) {
  uint32_t now = time_low();
  if (schedule.received) schedule.last_received = now;
  schedule.received = false;
  if (!schedule.changed) return;
  if (now - schedule.reported >= schedule.second || now - schedule.last_received >= schedule.pause) report_counters(now);
}

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  report_open();
  gnss_open(&stream, (gnss_sink){on_fix, on_satellites});
  schedule.second = board_timebase();
  schedule.pause = board_timebase() / 5;
  schedule.reported = time_low();
  acquisition_kind kind = acquisition_open();
  if (kind == ACQUISITION_NONE) {
    console_print("gnss-logger: no acquisition port\n");
    return 1;
  }
  /* Setting a timer would cost an exit, and a partition's data path causes none: there the next doorbell does. */
  schedule.has_timer = kind != ACQUISITION_SERIAL_RING && timer_open(on_timer, NULL);
  console_print("gnss-logger: ready\n");
  for (;;) {
    received_character received[BATCH];
    uint32_t count = acquisition_read(received, BATCH);
    if (count > 0) {
      count_line_errors(received, count);
      gnss_feed(&stream, &received[0].character, count, sizeof received[0]);
      schedule.changed = schedule.received = true;
    }
    /* At most once a second while characters come, and once more when they pause. */
    if (schedule.has_timer) follow_timer();
    else follow_time();
    if (count < BATCH) acquisition_wait();
  }
}
