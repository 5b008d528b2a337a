/** The NS16550A driver. */
#include "ns16550a.h"

#include "board.h"
#include "interrupt.h"
#include "mmio.h"

enum { RBR_THR = 0, DLL = 0, IER = 1, DLM = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6 };

#define IER_RECEIVED 0x01u
#define IER_LINE_STATUS 0x04u
#define FCR_ENABLE_CLEAR_TRIGGER_8 0x87u
#define IIR_NONE 0x01u
#define LCR_8N1 0x03u
#define LCR_DLAB 0x80u
#define MCR_DTR_RTS_OUT2 0x0Bu
#define LSR_DATA_READY 0x01u
#define LSR_THR_EMPTY 0x20u

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

static void store(ns16550a *uart, uint8_t character, uint8_t status) {
  uint32_t head = uart->head;
  if (head - uart->tail == NS16550A_BUFFER) {
    uart->lost = true;
    return;
  }
  if (uart->lost) status |= LINE_OVERRUN;
  uart->lost = false;
  uart->buffer[head % NS16550A_BUFFER] = (received_character){character, status};
  uart->head = head + 1;
}

static void on_interrupt(void *context) {
  ns16550a *uart = context;
  uint8_t status = get(uart, LSR);
  /* Reading LSR clears its error bits, so each read belongs to the character that is read next. */
  while (status & LSR_DATA_READY) {
    store(uart, get(uart, RBR_THR), status & LINE_ERRORS);
    status = get(uart, LSR);
  }
  if (status & LINE_OVERRUN) uart->lost = true;
}

bool ns16550a_receive_by_interrupt(ns16550a *uart) {
  if (uart->base == 0 || !interrupt_on_source(uart->source, on_interrupt, uart)) return false;
  put(uart, IER, IER_RECEIVED | IER_LINE_STATUS);
  return true;
}

uint32_t ns16550a_read(ns16550a *uart, received_character *into, uint32_t max) {
  uint32_t tail = uart->tail, count = uart->head - tail;
  if (count > max) count = max;
  for (uint32_t i = 0; i < count; i++) into[i] = uart->buffer[(tail + i) % NS16550A_BUFFER];
  uart->tail = tail + count;
  return count;
}

void ns16550a_write(ns16550a *uart, uint8_t character) {
  if (uart->base == 0) return;
  while (!(get(uart, LSR) & LSR_THR_EMPTY)) continue;
  put(uart, RBR_THR, character);
}
