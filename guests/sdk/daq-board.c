/** The RV-DAQ16's driver. */
#include "daq-board.h"

#include <stddef.h>

#include "board.h"
#include "daq-registers.h"
#include "interrupt.h"
#include "mmio.h"

static _Alignas(64) daq_descriptor ring[DAQ_DESCRIPTORS];

static uint32_t get(const daq_board *board, uint32_t offset) { return mmio_read32(board->base + offset); }
static void put(const daq_board *board, uint32_t offset, uint32_t value) { mmio_write32(board->base + offset, value); }

/** Lowers the line: by the acknowledgement, or for good when it says something that no acknowledgement takes back. */
static void on_interrupt(void *context) {
  daq_board *board = context;
  board->interrupts++;
  if (board->descriptors == 0) {
    board->is_ready = true;
    put(board, MODE, board->mode & ~(uint32_t)MODE_INTERRUPT);
    return;
  }
  uint32_t head = get(board, HEAD);
  if (head == board->head && get(board, DMA_ERRORS) != 0) {
    board->has_failed = true;
    put(board, MODE, board->mode & ~(uint32_t)MODE_INTERRUPT);
    return;
  }
  board->head = head;
  put(board, ACKNOWLEDGE, head);
}

bool daq_open(daq_board *board) {
  const fdt_tree *tree = board_tree();
  const char *path = fdt_text(tree, fdt_find(tree, "/chosen"), "rigvisor,acquisition");
  fdt_node node = path == NULL ? FDT_NONE : fdt_find(tree, path);
  uint32_t length;
  if (node == FDT_NONE || !fdt_reg(tree, node, &board->base, &length) || length < 4096) return false;
  board->is_window = fdt_is_compatible(tree, node, "rigvisor,daq-board-window");
  if (board->is_window) {
    if (!fdt_u32(tree, node, "rigvisor,local-interrupt", &board->interrupt)) return false;
    return board->interrupt >= 16 && board->interrupt <= 31 && get(board, 0) == DAQ_ID;
  }
  if (!fdt_is_compatible(tree, node, "rigvisor,daq-board")) return false;
  if (!fdt_u32(tree, node, "interrupts", &board->interrupt) || get(board, 0) != DAQ_ID) return false;
  return interrupt_on_source(board->interrupt, on_interrupt, board);
}

static void give_all(daq_board *board) {
  for (uint32_t i = 0; i < board->descriptors; i++) {
    ring[i] = (daq_descriptor){.address_low = (uint32_t)(uintptr_t)(board->blocks + i * board->block_bytes),
                               .length = board->block_bytes};
  }
}

bool daq_start(daq_board *board, const daq_run *run) {
  if (run->descriptors == 0 && board->is_window) return false;
  board->descriptors = run->descriptors;
  board->block_bytes = run->block_bytes;
  board->blocks = run->blocks;
  board->head = board->taken = board->returned = 0;
  board->has_failed = board->is_ready = false;
  board->mode =
      MODE_INTERRUPT | (run->descriptors == 0 ? 0 : (uint32_t)MODE_DMA) | (run->is_counter ? (uint32_t)MODE_COUNTER : 0);
  give_all(board);
  put(board, MODE, board->mode);
  put(board, DIVISOR, run->divisor);
  put(board, CHANNEL_MASK, run->channel_mask);
  put(board, RING_LOW, (uint32_t)(uintptr_t)ring);
  put(board, RING_HIGH, 0);
  put(board, RING_SIZE, run->descriptors);
  put(board, COALESCE_COUNT, 1);
  put(board, COALESCE_US, 0);
  put(board, ACKNOWLEDGE, 0);
  put(board, TAIL, run->descriptors);
  fence_all();
  put(board, RUN, ++board->run);
  return true;
}

void daq_stop(daq_board *board) { put(board, RUN, 0); }

/** What the page says counts for a run only once it says that this run is the present one. */
static uint32_t done(daq_board *board) {
  if (!board->is_window) return board->head;
  if (get(board, RUNNING) != board->run) return 0;
  fence_read();
  uint32_t head = get(board, HEAD);
  fence_read();
  return head;
}

bool daq_take(daq_board *board, daq_block *block) {
  if (board->taken == done(board)) return false;
  const daq_descriptor *slot = &ring[board->taken % board->descriptors];
  *block = (daq_block){.samples = (const uint16_t *)(uintptr_t)slot->address_low,
                       .count = slot->done_length / 2,
                       .sequence = slot->sequence,
                       .time_ns = (uint64_t)slot->time_high << 32 | slot->time_low};
  board->taken++;
  return true;
}

void daq_return(daq_board *board) {
  board->returned++;
  fence_all();
  if (board->is_window) put(board, ACKNOWLEDGE, board->returned);
  put(board, TAIL, board->returned + board->descriptors);
}

uint32_t daq_read(daq_board *board, uint16_t *samples, uint32_t most) {
  uint32_t count = 0;
  for (; count < most; count++) {
    uint32_t sample = get(board, FIFO_DATA);
    if (sample == DAQ_NO_SAMPLE) break;
    samples[count] = (uint16_t)sample;
  }
  if (count < most && board->is_ready) {
    board->is_ready = false;
    put(board, MODE, board->mode);
  }
  return count;
}

static void wait_for_doorbell(daq_board *board) {
  uint32_t doorbell = 1u << board->interrupt;
  /* Whatever is done from here on rings again: looking at the page afterwards misses nothing. */
  csr_clear(mip, doorbell);
  fence_all();
  board->has_failed = get(board, RUNNING) == board->run && get(board, DMA_ERRORS) != 0;
  if (board->has_failed || board->taken != done(board)) return;
  csr_set(mie, doorbell);
  interrupt_sleep();
  csr_clear(mie, doorbell);
  board->interrupts++;
}

void daq_wait(daq_board *board) {
  uint32_t before = interrupt_disable();
  if (board->is_window) wait_for_doorbell(board);
  else if (board->taken == board->head && !board->has_failed && !board->is_ready) interrupt_wait();
  interrupt_restore(before);
}

uint32_t daq_lost(const daq_board *board) { return get(board, LOST); }
