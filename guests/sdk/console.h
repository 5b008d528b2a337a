/** The console: plain text on the UART of `/chosen/stdout-path`. Without one, output is dropped. */
#pragma once

#include <stdint.h>

#include "ns16550a.h"

/** Opens the console; called by the start-up code. */
void console_open(void);
void console_write(const char *text, uint32_t length);
/** `printf` with `%s %c %d %u %x %%` alone, 32-bit numbers, no widths; `%x` prints `0x…`. */
void console_print(const char *format, ...);
/** The console's UART, for guests that also read from it; null without one. */
ns16550a *console_uart(void);
