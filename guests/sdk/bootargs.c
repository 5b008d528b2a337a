/** Boot arguments. */
#include "bootargs.h"

#include <stddef.h>
#include <string.h>

#include "board.h"

/** The value of `name`, up to a blank or the end; NULL when it is not given. */
static const char *find(const char *name) {
  const char *at = fdt_text(board_tree(), fdt_find(board_tree(), "/chosen"), "bootargs");
  size_t length = strlen(name);
  while (at != NULL && *at != 0) {
    while (*at == ' ') at++;
    if (strncmp(at, name, length) == 0 && at[length] == '=') return at + length + 1;
    at = strchr(at, ' ');
  }
  return NULL;
}

uint32_t bootargs_number(const char *name, uint32_t otherwise, uint32_t most) {
  const char *at = find(name);
  uint64_t value = 0;
  if (at == NULL || *at < '0' || *at > '9') return otherwise;
  for (; *at >= '0' && *at <= '9'; at++) {
    value = 10 * value + (uint32_t)(*at - '0');
    if (value > most) return otherwise;
  }
  return *at == 0 || *at == ' ' ? (uint32_t)value : otherwise;
}

bool bootargs_is(const char *name, const char *value) {
  const char *at = find(name);
  size_t length = strlen(value);
  return at != NULL && strncmp(at, value, length) == 0 && (at[length] == 0 || at[length] == ' ');
}
