/** Runs a continuous scan of a USB-1608FS-Plus and reports its samples in blocks, and every loss. */
#include <stddef.h>
#include <string.h>

#include "block.h"
#include "board.h"
#include "bootargs.h"
#include "console.h"
#include "mcc.h"
#include "report.h"
#include "stream.h"
#include "usb-event.h"

enum { CHANNEL_BLOCKS = 0, CHANNEL_COUNTERS = 1, CHANNEL_EVENTS = 2, CHANNEL_SETUP = 3, CHANNEL_SAMPLES = 4 };
enum { TYPE_BLOCK = 1, TYPE_COUNTERS = 2, TYPE_EVENT = 3, TYPE_SETUP = 4, TYPE_SAMPLES = 5 };

#define RETRY_MS 250u
#define DRAIN_READS 2048u
#define DRAIN_BYTES 512u
#define DRAIN_MS 1u
/** Up to this rate every scan is sent in a packet of its own. */
#define IMMEDIATE_MOST_HZ 1000u
#define SILENCE_MS 250u
#define SILENCE_MOST_MS 600000u

typedef struct {
  uint32_t run;
  uint32_t rate;
  uint32_t pacer_period;
  uint32_t channels;
  uint32_t options;
  uint32_t transfer_bytes;
  uint32_t count;
  /** Bytes of an earlier scan that were thrown away before this one. */
  uint32_t drained;
} setup_record;

#define SAMPLES_HEADER_BYTES 20u

typedef struct {
  uint32_t run;
  uint32_t first_scan;
  uint32_t scans;
  uint32_t stream_offset;
  uint32_t channels;
  uint8_t samples[REPORT_MAX_PAYLOAD - SAMPLES_HEADER_BYTES];
} samples_record;

_Static_assert(sizeof(samples_record) == REPORT_MAX_PAYLOAD, "the record as in the manifest");

/** Counts since the guest began, in the layout of the report record. */
static struct {
  uint32_t bytes;
  uint32_t scans;
  uint32_t blocks;
  uint32_t runs;
  uint32_t overruns;
  uint32_t stalls;
  uint32_t errors;
  uint32_t silences;
  uint32_t gaps;
  /** Bytes that came behind a loss and were not used. */
  uint32_t discarded;
  uint32_t enumerations;
  uint32_t unplugs;
  uint32_t dropped_records;
} counters;

_Static_assert(sizeof counters == 52, "the record as in the manifest");

static struct {
  uint32_t rate;
  uint32_t channels;
  uint32_t range;
  bool is_counter;
  bool sends_samples;
  uint32_t block_scans;
  uint32_t silence_ms;
  mcc_scan scan;
} config;

static struct {
  /** Scans received in this run. */
  uint32_t scans;
  bool has_last;
  uint16_t last;
  block_record block;
  uint32_t reported;
  bool is_hopeless;
} state;

static usb_device device;
static stream data;

static void send(uint32_t channel, uint32_t type, const void *payload, uint32_t length) {
  if (!report_send(channel, type, payload, length)) counters.dropped_records++;
}

static void event(usb_event_kind kind, int32_t status, uint32_t detail) {
  usb_event record = {kind, status, detail, counters.runs, state.scans, data.bytes};
  send(CHANNEL_EVENTS, TYPE_EVENT, &record, sizeof record);
}

static void report_counters(void) {
  counters.bytes = data.bytes;
  send(CHANNEL_COUNTERS, TYPE_COUNTERS, &counters, sizeof counters);
  state.reported = time_low();
}

static void configure(void) {
  config.rate = bootargs_number("rate", 10000, 100000);
  config.channels = bootargs_number("channels", 4, MCC_CHANNELS);
  if (config.rate == 0) config.rate = 1;
  if (config.channels == 0) config.channels = 1;
  config.range = bootargs_number("range", 0, 7);
  config.is_counter = bootargs_is("mode", "counter");
  config.sends_samples = bootargs_is("report", "samples");
  config.scan = (mcc_scan){
      .count = bootargs_number("count", 0, 0xFFFFFFFFu),
      .pacer_period = (MCC_PACER_HZ + config.rate / 2) / config.rate - 1,
      .channel_mask = (uint8_t)((1u << config.channels) - 1),
      .options = (uint8_t)((config.is_counter ? MCC_OPTION_COUNTER : 0) |
                           (config.rate <= IMMEDIATE_MOST_HZ ? MCC_OPTION_IMMEDIATE : 0)),
  };
  config.block_scans = config.rate >= 100 ? config.rate / 100 : 1;
  /* Four times what the slowest transfer takes, and some. */
  config.silence_ms =
      bootargs_number("silence", SILENCE_MS + 4 * (config.rate < 100 ? 1000 / config.rate : 10), SILENCE_MOST_MS);
  if (config.silence_ms == 0) config.silence_ms = 1;
}

/** 10 ms of data in whole packets. */
static uint32_t transfer_bytes(void) {
  uint32_t wanted = (config.rate * config.channels * 2 + 99) / 100;
  uint32_t bytes = (wanted + MCC_PACKET_BYTES - 1) / MCC_PACKET_BYTES * MCC_PACKET_BYTES;
  return bytes < STREAM_TRANSFER_BYTES ? bytes : STREAM_TRANSFER_BYTES;
}

static void close_block(void) {
  if (state.block.scans > 0) {
    state.block.stream_offset = data.bytes;
    uint32_t length = BLOCK_HEADER_BYTES + state.block.channels * (uint32_t)sizeof(channel_block);
    counters.blocks++;
    send(CHANNEL_BLOCKS, TYPE_BLOCK, &state.block, length);
  }
  block_open(&state.block, counters.runs, state.scans, config.channels);
}

static void send_samples(const uint16_t *samples, uint32_t scans) {
  static samples_record record;
  uint32_t most = (uint32_t)sizeof record.samples / data.scan_bytes;
  for (uint32_t done = 0; done < scans; done += record.scans) {
    record.run = counters.runs;
    record.first_scan = state.scans + done;
    record.scans = scans - done < most ? scans - done : most;
    record.stream_offset = data.bytes;
    record.channels = config.channels;
    uint32_t bytes = record.scans * data.scan_bytes;
    memcpy(record.samples, samples + done * config.channels, bytes);
    send(CHANNEL_SAMPLES, TYPE_SAMPLES, &record, SAMPLES_HEADER_BYTES + bytes);
  }
}

/** Every gap is counted; the first one of a piece is told of by itself. */
static void check_counter(const uint16_t *samples, uint32_t count) {
  if (!state.has_last) state.last = (uint16_t)(samples[0] - 1);
  state.has_last = true;
  uint16_t last = state.last;
  state.last = samples[count - 1];
  for (bool told = false; count > 0; told = true) {
    uint32_t at = counter_gap(samples, count, last);
    if (at == count) return;
    if (at > 0) last = samples[at - 1];
    if (!told) event(USB_EVENT_BAD_DATA, URB_OK, (uint32_t)(uint16_t)(last + 1) << 16 | samples[at]);
    counters.gaps++;
    if (state.block.gaps < 0xFFFF) state.block.gaps++;
    last = samples[at];
    samples += at + 1;
    count -= at + 1;
  }
}

static void use(const uint16_t *samples, uint32_t scans) {
  if (scans == 0) return;
  if (config.is_counter) check_counter(samples, scans * config.channels);
  block_add(&state.block, samples, scans);
  if (config.sends_samples) send_samples(samples, scans);
  state.scans += scans;
  counters.scans += scans;
  if (state.block.scans >= config.block_scans) close_block();
  if (time_low() - state.reported >= board_timebase()) report_counters();
}

/** Asks the device what it knows of a standstill, and tells of it. */
static void report_standstill(usb_event_kind kind, int32_t status) {
  uint16_t word = 0;
  int32_t got = mcc_status(&word);
  bool is_overrun = got == URB_OK && (word & MCC_STATUS_OVERRUN) != 0;
  if (is_overrun) counters.overruns++;
  else if (kind == USB_EVENT_STALL) counters.stalls++;
  else counters.silences++;
  event(is_overrun ? USB_EVENT_OVERRUN : kind, got == URB_OK ? status : got, word);
}

/** Uses what came until nothing came any more; true when the scan is over as it should be. */
static bool follow(void) {
  uint64_t silent = urb_deadline(config.silence_ms);
  for (;;) {
    int32_t status;
    const uint16_t *samples;
    uint32_t scans;
    urb_poll();
    if (stream_take(&data, &status, &samples, &scans)) {
      use(samples, scans);
      if (config.scan.count != 0 && state.scans >= config.scan.count) return true;
      silent = urb_deadline(config.silence_ms);
      if (status == URB_OK && stream_resubmit(&data)) continue;
      close_block();
      if (status == URB_SHUTDOWN || status == URB_NO_DEVICE) return false;
      if (status == URB_STALL) {
        report_standstill(USB_EVENT_STALL, status);
        return false;
      }
      counters.errors++;
      event(USB_EVENT_TRANSFER_FAILED, status, 0);
      return false;
    }
    if (urb_wait_until(silent)) continue;
    close_block();
    report_standstill(USB_EVENT_SILENT, URB_TIMEOUT);
    return false;
  }
}

/** Takes the transfers back; what they brought lies behind a loss. */
static void stop(void) {
  int32_t status;
  const uint16_t *samples;
  uint32_t scans;
  uint32_t before = data.bytes;
  close_block();
  stream_stop(&data);
  while (stream_take(&data, &status, &samples, &scans)) continue;
  counters.discarded += data.bytes - before;
}

/** Reads what an earlier scan has left; answers 0 or a `URB_…` error. */
static int32_t drain(uint32_t *drained) {
  static uint8_t rest[DRAIN_BYTES];
  for (uint32_t i = 0; i < DRAIN_READS; i++) {
    uint32_t actual;
    int32_t status = usb_transfer(MCC_DATA_ENDPOINT, rest, sizeof rest, DRAIN_MS, &actual);
    data.bytes += actual;
    *drained += actual;
    if (status == URB_TIMEOUT && actual == 0) return URB_OK;
    if (status == URB_STALL) return URB_OK;
    if (status != URB_OK && status != URB_TIMEOUT) return status;
  }
  return URB_OVERFLOW;
}

/** In the order that the vendor's driver keeps: drain, configure, clear halt, submit, start. */
static int32_t start(void) {
  setup_record record = {.rate = config.rate,
                         .pacer_period = config.scan.pacer_period,
                         .channels = config.channels,
                         .options = config.scan.options,
                         .transfer_bytes = transfer_bytes(),
                         .count = config.scan.count};
  int32_t status = mcc_stop();
  if (status == URB_OK) status = mcc_clear_fifo();
  if (status == URB_OK) status = drain(&record.drained);
  if (status == URB_OK) status = mcc_configure((uint8_t)config.range);
  if (status == URB_OK) status = usb_clear_halt(MCC_DATA_ENDPOINT);
  if (status != URB_OK) return status;
  record.run = ++counters.runs;
  state.scans = 0;
  state.has_last = false;
  block_open(&state.block, record.run, 0, config.channels);
  if (!stream_start(&data, record.transfer_bytes, 2 * config.channels)) return URB_INVALID;
  status = mcc_start(&config.scan);
  if (status != URB_OK) return status;
  send(CHANNEL_SETUP, TYPE_SETUP, &record, sizeof record);
  event(USB_EVENT_STARTED, URB_OK, 0);
  return URB_OK;
}

/** Scans until the device is gone or refuses; true when a scan of a limited length is over. */
static bool scan(void) {
  while (usb_is_there(&device)) {
    int32_t status = start();
    bool is_over = status == URB_OK && follow();
    stop();
    if (is_over) {
      mcc_stop();
      return true;
    }
    if (status == URB_OK || !usb_is_there(&device)) continue;
    event(USB_EVENT_REQUEST_FAILED, status, 0);
    return false;
  }
  counters.unplugs++;
  event(USB_EVENT_UNPLUGGED, URB_SHUTDOWN, 0);
  return false;
}

/** Enumerates what is plugged in; true when it is the device. */
static bool open_device(void) {
  int32_t status = usb_enumerate(&device);
  uint32_t identity = (uint32_t)device.vendor << 16 | device.product;
  state.is_hopeless = false;
  if (status != URB_OK) {
    event(USB_EVENT_REQUEST_FAILED, status, 0);
    return false;
  }
  counters.enumerations++;
  state.is_hopeless = device.vendor != MCC_VENDOR || device.product != MCC_PRODUCT;
  event(state.is_hopeless ? USB_EVENT_WRONG_DEVICE : USB_EVENT_PLUGGED, URB_OK, identity);
  return !state.is_hopeless;
}

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  report_open();
  configure();
  if (urb_open() == URB_TRANSPORT_NONE) {
    console_print("scan-logger: no USB port\n");
    return 1;
  }
  for (uint32_t i = 0; i < STREAM_TRANSFERS; i++) data.transfers[i].done = true;
  console_print("scan-logger: ready\n");
  for (;;) {
    if (urb_plugged().connected && open_device()) {
      bool is_over = scan();
      report_counters();
      if (is_over) return 0;
    }
    usb_rest(&device, state.is_hopeless ? 0 : RETRY_MS);
  }
}
