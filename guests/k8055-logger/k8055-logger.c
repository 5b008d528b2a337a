/** Reads a Velleman K8055 continuously and drives its outputs in steps; reports every sample with the outputs then set. */
#include <stddef.h>

#include "board.h"
#include "bootargs.h"
#include "console.h"
#include "hid.h"
#include "k8055.h"
#include "report.h"
#include "usb-event.h"

enum { CHANNEL_SAMPLES = 0, CHANNEL_COUNTERS = 1, CHANNEL_EVENTS = 2 };
enum { TYPE_SAMPLE = 1, TYPE_COUNTERS = 2, TYPE_EVENT = 3 };

#define READS 2u
#define SILENCE_MS 1000u
#define RETRY_MS 250u
#define MOST_ERRORS 8u

typedef struct {
  uint32_t sequence;
  uint8_t a1;
  uint8_t a2;
  uint8_t digital;
  uint8_t status;
  uint16_t counter1;
  uint16_t counter2;
  uint8_t dac1;
  uint8_t dac2;
  uint8_t outputs;
  uint8_t run;
  uint32_t stream_offset;
} sample_record;

_Static_assert(sizeof(sample_record) == 20, "the record as in the manifest");

/** Counts since the guest began, in the layout of the report record. */
static struct {
  uint32_t samples;
  uint32_t bytes;
  uint32_t outputs;
  uint32_t steps;
  uint32_t loop_errors;
  uint32_t short_reports;
  uint32_t stalls;
  uint32_t errors;
  uint32_t enumerations;
  uint32_t unplugs;
  /** Times at which reports may have been lost: stalls, errors, silence and unplugging. */
  uint32_t losses;
  uint32_t dropped_records;
} counters;

_Static_assert(sizeof counters == 48, "the record as in the manifest");

static struct {
  /** Samples for which an output stands; DAC steps; how far A may be from DAC. */
  uint32_t hold;
  uint32_t step;
  uint32_t tolerance;
  uint32_t run;
  uint32_t run_samples;
  uint32_t held;
  uint32_t errors_in_a_row;
  /** The read that is done next. */
  uint32_t next;
  /** How a read ended is no news: it was taken back, or it went the way of the one before it. */
  bool takes_back;
  uint32_t reported;
  /** It will not get better by another attempt. */
  bool is_hopeless;
  /** What the device was told, and what it has taken. */
  k8055_outputs wanted;
  k8055_outputs set;
} state;

static usb_device device;
static hid_device hid;
static urb reads[READS];
/** What they brought was not used yet. */
static bool owed[READS];
static urb output = {.done = true};
static uint8_t input_bytes[READS][64];
static uint8_t output_bytes[K8055_REPORT_BYTES];

static void send(uint32_t channel, uint32_t type, const void *payload, uint32_t length) {
  if (!report_send(channel, type, payload, length)) counters.dropped_records++;
}

static void event(usb_event_kind kind, int32_t status, uint32_t detail) {
  usb_event record = {kind, status, detail, state.run, state.run_samples, counters.bytes};
  send(CHANNEL_EVENTS, TYPE_EVENT, &record, sizeof record);
}

static void report_counters(void) {
  send(CHANNEL_COUNTERS, TYPE_COUNTERS, &counters, sizeof counters);
  state.reported = time_low();
}

static void write_outputs(void) {
  k8055_command(output_bytes, K8055_SET_OUTPUTS, state.wanted);
  output.endpoint = hid.out;
  output.data = output_bytes;
  output.length = K8055_REPORT_BYTES;
  urb_submit(&output);
}

static bool near(uint8_t input, uint8_t dac) {
  uint32_t apart = input > dac ? (uint32_t)(input - dac) : (uint32_t)(dac - input);
  return apart <= state.tolerance;
}

/** The loop from the outputs to the inputs: when an output has stood long enough, it is compared, and the next one is set. */
static void control(const k8055_inputs *inputs) {
  if (!output.done || ++state.held < state.hold) return;
  if (!near(inputs->a1, state.set.dac1) || !near(inputs->a2, state.set.dac2)) counters.loop_errors++;
  state.held = 0;
  counters.steps++;
  state.wanted.dac1 = (uint8_t)(state.wanted.dac1 + state.step);
  state.wanted.dac2 = (uint8_t)(255 - state.wanted.dac1);
  state.wanted.digital = (uint8_t)(state.wanted.digital << 1 | state.wanted.digital >> 7);
  write_outputs();
}

static void sample(const uint8_t *bytes) {
  k8055_inputs inputs = k8055_parse(bytes);
  sample_record record = {
      .sequence = counters.samples++,
      .a1 = inputs.a1,
      .a2 = inputs.a2,
      .digital = inputs.digital,
      .status = inputs.status,
      .counter1 = inputs.counter1,
      .counter2 = inputs.counter2,
      .dac1 = state.set.dac1,
      .dac2 = state.set.dac2,
      .outputs = state.set.digital,
      .run = (uint8_t)state.run,
      .stream_offset = counters.bytes,
  };
  state.run_samples++;
  send(CHANNEL_SAMPLES, TYPE_SAMPLE, &record, sizeof record);
  control(&inputs);
}

/** Looks at the output report that was sent; false when the device is to be opened anew. */
static bool take_output(bool *waits) {
  if (!*waits || !output.done) return true;
  *waits = false;
  if (output.status == URB_OK) {
    counters.outputs++;
    state.set = state.wanted;
    return true;
  }
  if (output.status == URB_SHUTDOWN || output.status == URB_NO_DEVICE) return false;
  counters.errors++;
  event(USB_EVENT_REQUEST_FAILED, output.status, K8055_SET_OUTPUTS);
  return output.status == URB_STALL && usb_clear_halt(hid.out) >= 0;
}

static bool take_input(urb *read);

/** Takes every read back; whatever they brought is used. */
static void take_back(void) {
  state.takes_back = true;
  for (uint32_t i = 0; i < READS; i++, state.next = (state.next + 1) % READS) {
    usb_cancel(&reads[state.next]);
    if (owed[state.next]) take_input(&reads[state.next]);
  }
  state.takes_back = false;
}

/** Uses what a read brought; false when the device is to be opened anew. */
static bool take_input(urb *read) {
  owed[read - reads] = false;
  counters.bytes += read->actual;
  if (read->status == URB_OK && read->actual >= K8055_REPORT_BYTES) {
    state.errors_in_a_row = 0;
    sample(read->data);
    return true;
  }
  if (read->status == URB_SHUTDOWN || read->status == URB_NO_DEVICE) return false;
  if (state.takes_back && read->status != URB_OK) return true;
  if (++state.errors_in_a_row > MOST_ERRORS) return false;
  counters.losses++;
  if (read->status == URB_OK) {
    counters.short_reports++;
    event(USB_EVENT_BAD_DATA, read->status, K8055_REPORT_BYTES << 16 | read->actual);
    return true;
  }
  if (read->status == URB_STALL) {
    counters.stalls++;
    event(USB_EVENT_STALL, read->status, 0);
    take_back();
    return usb_clear_halt(hid.in) >= 0;
  }
  counters.errors++;
  event(USB_EVENT_TRANSFER_FAILED, read->status, 0);
  return true;
}

static void submit_read(uint32_t number) {
  if (!reads[number].done || owed[number]) return;
  hid_prepare_read(&hid, &reads[number], input_bytes[number]);
  owed[number] = urb_submit(&reads[number]);
}

static void follow(void) {
  uint64_t silent = urb_deadline(SILENCE_MS);
  bool output_waits = true;
  for (uint32_t i = 0; i < READS; i++) submit_read(i);
  write_outputs();
  event(USB_EVENT_STARTED, URB_OK, 0);
  for (;;) {
    urb_poll();
    if (!take_output(&output_waits)) return;
    if (reads[state.next].done) {
      urb *read = &reads[state.next];
      state.next = (state.next + 1) % READS;
      if (!take_input(read)) return;
      if (!output.done) output_waits = true;
      for (uint32_t i = 0; i < READS; i++) submit_read((state.next + i) % READS);
      silent = urb_deadline(SILENCE_MS);
      if (time_low() - state.reported >= board_timebase()) report_counters();
    } else if (!urb_wait_until(silent)) {
      counters.losses++;
      event(USB_EVENT_SILENT, URB_TIMEOUT, 0);
      return;
    }
  }
}

/** Enumerates what is plugged in; true when it is a K8055 and ready. */
static bool open_device(void) {
  int32_t status = usb_enumerate(&device);
  state.is_hopeless = false;
  if (status == URB_OK) {
    uint32_t identity = (uint32_t)device.vendor << 16 | device.product;
    counters.enumerations++;
    if (device.vendor != K8055_VENDOR || device.product - K8055_PRODUCT >= K8055_ADDRESSES) {
      event(USB_EVENT_WRONG_DEVICE, URB_OK, identity);
      state.is_hopeless = true;
      return false;
    }
    event(USB_EVENT_PLUGGED, URB_OK, identity);
    status = hid_open(&hid, &device);
    if (status == URB_OK && (hid.out == 0 || hid.in_bytes > sizeof input_bytes[0])) status = URB_INVALID;
  }
  for (uint8_t command = K8055_RESET_COUNTER_1; status == URB_OK && command <= K8055_RESET_COUNTER_2; command++) {
    k8055_command(output_bytes, command, (k8055_outputs){0, 0, 0});
    status = hid_write(&hid, output_bytes, K8055_REPORT_BYTES, USB_TIMEOUT_MS);
  }
  if (status != URB_OK) event(USB_EVENT_REQUEST_FAILED, status, 0);
  return status == URB_OK;
}

static void run(void) {
  state.run++;
  state.run_samples = 0;
  state.held = 0;
  state.errors_in_a_row = 0;
  state.next = 0;
  state.set = (k8055_outputs){0, 0, 0};
  state.wanted = (k8055_outputs){0, 255, 1};
  follow();
  take_back();
  usb_cancel(&output);
  if (usb_is_there(&device)) return;
  counters.unplugs++;
  counters.losses++;
  event(USB_EVENT_UNPLUGGED, URB_SHUTDOWN, 0);
}

int main(uint32_t hart_id, const void *device_tree) {
  (void)hart_id;
  (void)device_tree;
  report_open();
  state.hold = bootargs_number("hold", 10, 1000000);
  state.step = bootargs_number("step", 16, 255);
  state.tolerance = bootargs_number("tolerance", 3, 255);
  for (uint32_t i = 0; i < READS; i++) reads[i].done = true;
  if (urb_open() == URB_TRANSPORT_NONE) {
    console_print("k8055-logger: no USB port\n");
    return 1;
  }
  console_print("k8055-logger: ready\n");
  for (;;) {
    if (urb_plugged().connected && open_device()) {
      run();
      report_counters();
    }
    usb_rest(&device, state.is_hopeless ? 0 : RETRY_MS);
  }
}
