/** Chooses the driver of the acquisition port. */
#include <stddef.h>

#include "acquisition.h"

#include "board.h"
#include "console.h"
#include "interrupt.h"
#include "ns16550a.h"
#include "serial-ring.h"
#include "virtio-console.h"

#define DEFAULT_BAUD_RATE 9600u

static acquisition_kind kind = ACQUISITION_NONE;
static ns16550a own_uart;
static ns16550a *uart;
static virtio_console console;
static serial_ring ring;

static acquisition_kind open_port(fdt_node node, uint32_t baud_rate) {
  if (serial_ring_open(&ring, node, baud_rate)) return ACQUISITION_SERIAL_RING;
  if (virtio_console_open(&console, node)) return ACQUISITION_VIRTIO_CONSOLE;
  uart = &own_uart;
  bool opened = ns16550a_open(uart, node, baud_rate) && ns16550a_use_interrupt(uart);
  return opened ? ACQUISITION_NS16550A : ACQUISITION_NONE;
}

acquisition_kind acquisition_open(void) {
  const fdt_tree *tree = board_tree();
  const char *path = fdt_text(tree, fdt_find(tree, "/chosen"), "rigvisor,acquisition");
  uint32_t baud_rate = DEFAULT_BAUD_RATE;
  if (path != NULL) {
    fdt_node node = fdt_find(tree, path);
    fdt_u32(tree, node, "current-speed", &baud_rate);
    kind = open_port(node, baud_rate);
    return kind;
  }
  uart = console_uart();
  if (uart != NULL && ns16550a_use_interrupt(uart)) kind = ACQUISITION_NS16550A;
  return kind;
}

uint32_t acquisition_read(received_character *into, uint32_t max) {
  if (kind == ACQUISITION_SERIAL_RING) return serial_ring_read(&ring, into, max);
  if (kind == ACQUISITION_VIRTIO_CONSOLE) return virtio_console_read(&console, into, max);
  return kind == ACQUISITION_NS16550A ? ns16550a_read(uart, into, max) : 0;
}

static bool has_received(void) {
  if (kind == ACQUISITION_VIRTIO_CONSOLE) return virtio_console_has_received(&console);
  return kind == ACQUISITION_NS16550A && ns16550a_has_received(uart);
}

void acquisition_wait(void) {
  uint32_t before = interrupt_disable();
  if (kind == ACQUISITION_SERIAL_RING) serial_ring_wait(&ring);
  else if (!has_received()) interrupt_wait();
  interrupt_restore(before);
}

void acquisition_write(const uint8_t *bytes, uint32_t length) {
  if (kind == ACQUISITION_VIRTIO_CONSOLE) {
    virtio_console_write(&console, bytes, length);
    return;
  }
  for (uint32_t i = 0; i < length; i++) {
    if (kind == ACQUISITION_NS16550A) ns16550a_write(uart, bytes[i]);
    while (kind == ACQUISITION_SERIAL_RING && !serial_ring_write(&ring, bytes[i])) continue;
  }
}

bool acquisition_connected(void) { return kind != ACQUISITION_SERIAL_RING || serial_ring_connected(&ring); }
