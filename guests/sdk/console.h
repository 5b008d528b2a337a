/**
 * The console: text, sent line by line. It goes by hypercall where there is a hypervisor, else through the UART of
 * `/chosen/stdout-path`; without either it is dropped.
 */
#pragma once

#include <stdint.h>

#include "ns16550a.h"

/** Opens the console; called by the start-up code. */
void console_open(void);
void console_write(const char *text, uint32_t length);
/** `printf` with `%s %c %d %u %x %%` alone, 32-bit numbers, no widths; `%x` prints `0x…`. */
void console_print(const char *format, ...);
/** Sends an unfinished line and waits until everything has left the UART. */
void console_flush(void);
/** The console's UART, for guests that also read from it; null without one. */
ns16550a *console_uart(void);
