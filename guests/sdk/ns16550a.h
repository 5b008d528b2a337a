/** NS16550A UART (PC16550D data sheet): by polling when it is opened, by interrupt once asked for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fdt.h"
#include "received.h"

#define NS16550A_BUFFER 1024u

/** One UART. Indices are free-running. */
typedef struct {
  uint32_t base;
  uint32_t shift;
  uint32_t source;
  bool by_interrupt;
  /** The receiver's interrupt is off because `received` is full; what comes then is the FIFO's to keep or lose. */
  bool stalled;
  /** The transmitter's interrupt is enabled. */
  bool sending;
  /** Line errors that a look at the transmitter has cleared: they belong to the next character. */
  uint8_t errors;
  /** Characters the transmitter's FIFO takes before it must be asked again. */
  uint8_t room;
  volatile uint32_t received_head;
  volatile uint32_t received_tail;
  volatile uint32_t sent_head;
  volatile uint32_t sent_tail;
  received_character received[NS16550A_BUFFER];
  uint8_t sent[NS16550A_BUFFER];
} ns16550a;

/** Programs 8 data bits, no parity, one stop bit, FIFOs on. False when the node is no NS16550A. */
bool ns16550a_open(ns16550a *uart, fdt_node node, uint32_t baud_rate);
/** Starts reception by interrupt: FIFO trigger 8, with the time-out interrupt for the rest. Sending is buffered from now on. */
bool ns16550a_use_interrupt(ns16550a *uart);
/** Takes up to `max` received characters. */
uint32_t ns16550a_read(ns16550a *uart, received_character *into, uint32_t max);
static inline bool ns16550a_has_received(const ns16550a *uart) { return uart->received_head != uart->received_tail; }
/** Sends one character; waits only while there is no room for it. */
void ns16550a_write(ns16550a *uart, uint8_t character);
/** Waits until everything written has left the transmitter. */
void ns16550a_flush(ns16550a *uart);
