/** The boot arguments of `/chosen`: words of the form `name=value`, separated by blanks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** The decimal number that `name` is given, at most `most`; `otherwise` when it is not given, no number or greater. */
uint32_t bootargs_number(const char *name, uint32_t otherwise, uint32_t most);
/** Whether `name` is given just this value. */
bool bootargs_is(const char *name, const char *value);
