/** The NS16550A driver. */
#include "ns16550a.h"

#include "board.h"
#include "interrupt.h"
#include "mmio.h"

enum { RBR_THR = 0, DLL = 0, IER = 1, DLM = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6 };

#define IER_RECEIVED 0x01u
#define IER_TRANSMITTER_EMPTY 0x02u
#define IER_LINE_STATUS 0x04u
#define FCR_ENABLE_CLEAR_TRIGGER_8 0x87u
#define LCR_8N1 0x03u
#define LCR_DLAB 0x80u
#define MCR_DTR_RTS_OUT2 0x0Bu
#define LSR_DATA_READY 0x01u
#define LSR_THR_EMPTY 0x20u
#define LSR_TRANSMITTER_EMPTY 0x40u
#define FIFO_DEPTH 16u

static uint8_t get(const ns16550a *uart, uint32_t number) { return mmio_read8(uart->base + (number << uart->shift)); }
static void put(const ns16550a *uart, uint32_t number, uint32_t value) {
  mmio_write8(uart->base + (number << uart->shift), (uint8_t)value);
}

bool ns16550a_open(ns16550a *uart, fdt_node node, uint32_t baud_rate) {
  const fdt_tree *tree = board_tree();
  uint32_t base, length, clock = 3686400;
  if (node == FDT_NONE || !fdt_is_compatible(tree, node, "ns16550a") || !fdt_reg(tree, node, &base, &length)) return false;
  uart->base = base;
  uart->shift = uart->source = 0;
  uart->by_interrupt = uart->stalled = uart->sending = false;
  uart->room = uart->errors = 0;
  fdt_u32(tree, node, "reg-shift", &uart->shift);
  fdt_u32(tree, node, "interrupts", &uart->source);
  fdt_u32(tree, node, "clock-frequency", &clock);
  uint32_t divisor = baud_rate != 0 ? (clock + 8 * baud_rate) / (16 * baud_rate) : 1;
  if (divisor == 0) divisor = 1;
  if (divisor > 0xFFFF) divisor = 0xFFFF;
  put(uart, IER, 0);
  put(uart, LCR, LCR_DLAB | LCR_8N1);
  put(uart, DLL, divisor & 0xFF);
  put(uart, DLM, divisor >> 8);
  put(uart, LCR, LCR_8N1);
  put(uart, IIR_FCR, FCR_ENABLE_CLEAR_TRIGGER_8);
  put(uart, MCR, MCR_DTR_RTS_OUT2);
  return true;
}

/** Reading LSR clears its error bits, which belong to the character that is read next: they are kept for it. */
static uint8_t line_status(ns16550a *uart) {
  uint8_t status = get(uart, LSR);
  uart->errors |= status & LINE_ERRORS;
  return status;
}

static void enable_interrupts(const ns16550a *uart) {
  uint32_t enabled = uart->stalled ? 0 : IER_RECEIVED | IER_LINE_STATUS;
  put(uart, IER, enabled | (uart->sending ? IER_TRANSMITTER_EMPTY : 0));
}

static bool has_unsent(const ns16550a *uart) { return uart->sent_head != uart->sent_tail; }

/** The transmitter is empty: fills its FIFO, or stops its interrupt when there is nothing to send. */
static void refill(ns16550a *uart) {
  uint32_t tail = uart->sent_tail;
  for (uint32_t i = 0; i < FIFO_DEPTH && tail != uart->sent_head; i++) put(uart, RBR_THR, uart->sent[tail++ % NS16550A_BUFFER]);
  uart->sent_tail = tail;
  if (uart->sending == has_unsent(uart)) return;
  uart->sending = has_unsent(uart);
  enable_interrupts(uart);
}

/** With interrupts off. */
static void poll_transmitter(ns16550a *uart) {
  if (line_status(uart) & LSR_THR_EMPTY) refill(uart);
}

/** Takes what the receiver has. */
static void receive(ns16550a *uart) {
  uint32_t head = uart->received_head, end = uart->received_tail + NS16550A_BUFFER;
  while (head != end) {
    uint8_t status = line_status(uart);
    if (!(status & LSR_DATA_READY)) break;
    uart->received[head++ % NS16550A_BUFFER] = (received_character){get(uart, RBR_THR), uart->errors};
    uart->errors = 0;
  }
  uart->received_head = head;
  if (head != end || uart->stalled) return;
  uart->stalled = true;
  enable_interrupts(uart);
}

static void on_interrupt(void *context) {
  ns16550a *uart = context;
  receive(uart);
  if (uart->sending) poll_transmitter(uart);
}

bool ns16550a_use_interrupt(ns16550a *uart) {
  if (uart->base == 0 || !interrupt_on_source(uart->source, on_interrupt, uart)) return false;
  uart->by_interrupt = true;
  enable_interrupts(uart);
  return true;
}

uint32_t ns16550a_read(ns16550a *uart, received_character *into, uint32_t max) {
  uint32_t tail = uart->received_tail, count = uart->received_head - tail;
  if (count > max) count = max;
  for (uint32_t i = 0; i < count; i++) into[i] = uart->received[(tail + i) % NS16550A_BUFFER];
  uart->received_tail = tail + count;
  if (uart->stalled && count > 0) {
    uint32_t before = interrupt_disable();
    uart->stalled = false;
    enable_interrupts(uart);
    interrupt_restore(before);
  }
  return count;
}

static void write_by_polling(ns16550a *uart, uint8_t character) {
  if (uart->room == 0) {
    while (!(line_status(uart) & LSR_THR_EMPTY)) continue;
    uart->room = FIFO_DEPTH;
  }
  uart->room--;
  put(uart, RBR_THR, character);
}

void ns16550a_write(ns16550a *uart, uint8_t character) {
  if (uart->base == 0) return;
  if (!uart->by_interrupt) {
    write_by_polling(uart, character);
    return;
  }
  uint32_t before = interrupt_disable();
  while (uart->sent_head - uart->sent_tail == NS16550A_BUFFER) {
    if (before == 0) {
      poll_transmitter(uart);
      continue;
    }
    wait_for_interrupt();
    interrupt_restore(before);
    interrupt_disable();
  }
  uart->sent[uart->sent_head % NS16550A_BUFFER] = character;
  uart->sent_head++;
  if (!uart->sending) {
    uart->sending = true;
    enable_interrupts(uart);
  }
  interrupt_restore(before);
}

void ns16550a_flush(ns16550a *uart) {
  uint32_t before = interrupt_disable();
  while (uart->base != 0 && has_unsent(uart)) poll_transmitter(uart);
  while (uart->base != 0 && !(line_status(uart) & LSR_TRANSMITTER_EMPTY)) continue;
  interrupt_restore(before);
}
