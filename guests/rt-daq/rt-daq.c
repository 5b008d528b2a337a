/** Samples a board in the handler of its interrupt, one sample an interrupt, on the real-time kernel. */
#include <stddef.h>

#include "board.h"
#include "bootargs.h"
#include "console.h"
#include "daq-board.h"
#include "daq-registers.h"
#include "mmio.h"
#include "plic.h"
#include "report.h"
#include "rt.h"

#define CHANNEL_BLOCKS 0
#define CHANNEL_COUNTERS 1
#define TYPE_BLOCK 1
#define TYPE_COUNTERS 2

enum { PRIORITY_COUNTERS = 1, PRIORITY_BLOCKS = 5, PRIORITY_CEILING = 6 };

#define STACK_BYTES 2048u
#define BLOCK_SAMPLES 64u
#define FIRST_RUN 1u
/** How many samples the board may be ahead of the handler by DMA; its FIFO has the others. */
#define DESCRIPTORS 8u

typedef struct {
  uint32_t run, first, count, stream_offset, sum, gaps;
} block_record;

static struct {
  uint32_t samples, blocks, gaps, overruns, dropped_records;
} counters;

/** Records are sent by two tasks, and the SDK's report channel is for one at a time. */
static rt_mutex reports = {PRIORITY_CEILING, 0};
static rt_semaphore block_ready;

static uint32_t base, is_window;
/** Blocks of the board are single samples; those that were taken, counted freely. */
static uint32_t taken;
static _Alignas(64) daq_descriptor ring[DESCRIPTORS];
static uint16_t arrived[DESCRIPTORS];

/** One is filled by the handler while the other is sent. */
static uint16_t blocks[2][BLOCK_SAMPLES];
static volatile uint32_t filling, filled;
static uint32_t fill;

/** Where the guest is left for a device; the analysis knows these instructions by name, so each is made once. */
#define LEAVE_TO_READ(name, value, from) \
  __asm__ volatile(".globl rt_exit_" #name "\nrt_exit_" #name ": lw %0, 0(%1)" : "=r"(value) : "r"(from) : "memory")
#define LEAVE_TO_WRITE(name, to, value) \
  __asm__ volatile(".globl rt_exit_" #name "\nrt_exit_" #name ": sw %0, 0(%1)" ::"r"(value), "r"(to) : "memory")

static uint32_t get(uint32_t offset) { return mmio_read32(base + offset); }
static void put(uint32_t offset, uint32_t value) { mmio_write32(base + offset, value); }

/** The next sample goes into the block that is being filled. */
static void take(void) {
  blocks[filling][fill] = arrived[taken++ % DESCRIPTORS];
  counters.samples++;
  if (++fill < BLOCK_SAMPLES) return;
  fill = 0;
  filling ^= 1;
  filled++;
  rt_semaphore_give_from_isr(&block_ready);
}

/** Takes one sample; the line stays high while there are more. */
void rt_isr_external(void) {
  uint32_t source, head;
  LEAVE_TO_READ(claim, source, plic_claim_register);
  LEAVE_TO_READ(head, head, base + HEAD);
  if (head != taken) {
    take();
    LEAVE_TO_WRITE(acknowledge, base + ACKNOWLEDGE, taken);
    LEAVE_TO_WRITE(tail, base + TAIL, taken + DESCRIPTORS);
  }
  LEAVE_TO_WRITE(complete, plic_claim_register, source);
}

/** Takes what the page shows: what it shows from then on rings again. */
void rt_isr_doorbell(void) {
  csr_clear(mip, 1u << INTERRUPT_DOORBELL);
  fence_all();
  if (!is_window || get(RUNNING) != FIRST_RUN) return;
  fence_read();
  uint32_t head = get(HEAD);
  if (head == taken) return;
  fence_read();
  do {
    /* The board is never further ahead than it has descriptors: the analysis knows the bound by this name. */
    __asm__ volatile(".globl rt_loop_8_samples\nrt_loop_8_samples:" ::: "memory");
    take();
  } while (head != taken);
  fence_all();
  put(ACKNOWLEDGE, taken);
  put(TAIL, taken + DESCRIPTORS);
}

static void send_record(uint32_t channel, uint32_t type, const void *payload, uint32_t length) {
  rt_mutex_lock(&reports);
  if (!report_send(channel, type, payload, length)) counters.dropped_records++;
  rt_mutex_unlock(&reports);
}

static void send_blocks(void *context) {
  (void)context;
  for (uint32_t sequence = 1;; sequence++) {
    rt_semaphore_wait(&block_ready);
    /* The handler fills this one again as soon as the other is full. */
    if (filled - sequence >= 1) counters.overruns++;
    const uint16_t *samples = blocks[(sequence - 1) & 1];
    block_record record = {.run = FIRST_RUN,
                           .first = (sequence - 1) * BLOCK_SAMPLES,
                           .count = BLOCK_SAMPLES,
                           .stream_offset = sequence * sizeof blocks[0]};
    for (uint32_t i = 0; i < BLOCK_SAMPLES; i++) {
      record.sum += samples[i];
      record.gaps += samples[i] != ((record.first + i) & 0xFFFFu);
    }
    counters.blocks++;
    counters.gaps += record.gaps;
    send_record(CHANNEL_BLOCKS, TYPE_BLOCK, &record, sizeof record);
  }
}

static void send_counters(void *context) {
  (void)context;
  uint32_t period = board_timebase() / 10;
  for (uint32_t next = rt_now() + period;; next += period) {
    rt_sleep_until(next);
    send_record(CHANNEL_COUNTERS, TYPE_COUNTERS, &counters, sizeof counters);
  }
}

static bool find_board(void) {
  const fdt_tree *tree = board_tree();
  const char *path = fdt_text(tree, fdt_find(tree, "/chosen"), "rigvisor,acquisition");
  fdt_node node = path == NULL ? FDT_NONE : fdt_find(tree, path);
  uint32_t length, source;
  if (node == FDT_NONE || !fdt_reg(tree, node, &base, &length) || length < 4096 || get(0) != DAQ_ID) return false;
  is_window = fdt_is_compatible(tree, node, "rigvisor,daq-board-window");
  if (is_window) return true;
  return fdt_is_compatible(tree, node, "rigvisor,daq-board") && fdt_u32(tree, node, "interrupts", &source) &&
         plic_open() && plic_enable(source);
}

/** Samples count up, so that one that is missing shows. */
static void start_board(uint32_t rate) {
  for (uint32_t i = 0; i < DESCRIPTORS; i++)
    ring[i] = (daq_descriptor){.address_low = (uint32_t)(uintptr_t)&arrived[i], .length = sizeof arrived[i]};
  put(MODE, MODE_DMA | MODE_COUNTER | MODE_INTERRUPT);
  put(DIVISOR, DAQ_CLOCK_HZ / rate);
  put(CHANNEL_MASK, 1);
  put(RING_LOW, (uint32_t)(uintptr_t)ring);
  put(RING_HIGH, 0);
  put(RING_SIZE, DESCRIPTORS);
  put(COALESCE_COUNT, 1);
  put(COALESCE_US, 0);
  put(ACKNOWLEDGE, 0);
  put(TAIL, DESCRIPTORS);
  fence_all();
  put(RUN, FIRST_RUN);
}

int main(uint32_t hart_id, const void *device_tree) {
  static uint8_t stacks[2][STACK_BYTES] __attribute__((aligned(16)));
  (void)hart_id;
  (void)device_tree;
  report_open();
  uint32_t rate = bootargs_number("rate", 1000, 20000);
  if (rate == 0) return 1;
  if (!find_board()) {
    console_print("rt-daq: no RV-DAQ16\n");
    return 2;
  }
  rt_task(PRIORITY_BLOCKS, send_blocks, NULL, stacks[0], STACK_BYTES);
  rt_task(PRIORITY_COUNTERS, send_counters, NULL, stacks[1], STACK_BYTES);
  start_board(rate);
  rt_start();
  console_print("rt-daq: there is no timer\n");
  return 3;
}
