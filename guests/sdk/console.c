/** Console output and its small formatter. */
#include "console.h"

#include <stdarg.h>
#include <string.h>

#include "board.h"
#include "sbi.h"

#define LINE_BUFFER 128u

static ns16550a uart;
static bool by_hypercall;
static char line[LINE_BUFFER];
static uint32_t line_length;

void console_open(void) {
  const fdt_tree *tree = board_tree();
  const char *path = fdt_text(tree, fdt_find(tree, "/chosen"), "stdout-path");
  fdt_node node = fdt_find(tree, path);
  if (node == FDT_NONE) node = fdt_next_compatible(tree, FDT_NONE, "ns16550a");
  ns16550a_open(&uart, node, 115200);
  by_hypercall = board_has_hypervisor() && sbi_probe(SBI_EXTENSION_DEBUG_CONSOLE).value != 0;
}

ns16550a *console_uart(void) { return uart.base != 0 ? &uart : NULL; }

/** A line costs one exit by hypercall; through the UART each of its characters costs two or more. */
static void send_line(void) {
  if (by_hypercall) sbi_console_write(line, line_length);
  for (uint32_t i = 0; !by_hypercall && i < line_length; i++) ns16550a_write(&uart, (uint8_t)line[i]);
  line_length = 0;
}

void console_write(const char *text, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (line_length + 2 > LINE_BUFFER) send_line();
    if (text[i] == '\n') line[line_length++] = '\r';
    line[line_length++] = text[i];
    if (text[i] == '\n') send_line();
  }
}

void console_flush(void) {
  send_line();
  ns16550a_flush(&uart);
}

static void print_number(uint32_t number, uint32_t radix) {
  char digits[12];
  uint32_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[number % radix];
    number /= radix;
  } while (number != 0);
  console_write(digits + at, sizeof digits - at);
}

static void print_signed(int32_t number) {
  if (number < 0) console_write("-", 1);
  print_number(number < 0 ? 0u - (uint32_t)number : (uint32_t)number, 10);
}

void console_print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  while (*format != 0) {
    uint32_t plain = (uint32_t)strcspn(format, "%");
    console_write(format, plain);
    format += plain;
    if (format[0] == 0 || format[1] == 0) break;
    char kind = format[1];
    format += 2;
    if (kind == 's') {
      const char *text = va_arg(arguments, const char *);
      console_write(text, (uint32_t)strlen(text));
    } else if (kind == 'c') {
      char character = (char)va_arg(arguments, int);
      console_write(&character, 1);
    } else if (kind == 'd') {
      print_signed(va_arg(arguments, int32_t));
    } else if (kind == 'u') {
      print_number(va_arg(arguments, uint32_t), 10);
    } else if (kind == 'x') {
      console_write("0x", 2);
      print_number(va_arg(arguments, uint32_t), 16);
    } else {
      console_write(&kind, 1);
    }
  }
  va_end(arguments);
}
