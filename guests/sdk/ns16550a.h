/** NS16550A UART (PC16550D data sheet): reception by interrupt, transmission by polling. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"
#include "received.h"

#define NS16550A_BUFFER 1024u

/** One UART. Reception fills `buffer`; indices are free-running. */
typedef struct {
  uint32_t base;
  uint32_t shift;
  uint32_t source;
  volatile uint32_t head;
  volatile uint32_t tail;
  /** A character was lost because `buffer` was full: told with the next one. */
  bool lost;
  received_character buffer[NS16550A_BUFFER];
} ns16550a;

/** Programs 8 data bits, no parity, one stop bit, FIFOs on. False when the node is no NS16550A. */
bool ns16550a_open(ns16550a *uart, fdt_node node, uint32_t baud_rate);
/** Starts reception by interrupt: FIFO trigger 8, with the time-out interrupt for the rest. */
bool ns16550a_receive_by_interrupt(ns16550a *uart);
/** Takes up to `max` received characters. */
uint32_t ns16550a_read(ns16550a *uart, received_character *into, uint32_t max);
static inline bool ns16550a_has_received(const ns16550a *uart) { return uart->head != uart->tail; }
/** Sends one character, waiting for room. */
void ns16550a_write(ns16550a *uart, uint8_t character);
