/** Fields of NMEA 0183 sentences, each a text ended by NUL. An empty field is never accepted here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Digits alone, at most nine. */
bool nmea_unsigned(const char *text, uint32_t *value);
/** A signed decimal number times 10^`decimals`, rounded half away from zero. False beyond 32 bits. */
bool nmea_scaled(const char *text, uint32_t decimals, int32_t *value);
/** `hhmmss` with any fraction: milliseconds of the day, rounded to the nearest. */
bool nmea_time(const char *text, int32_t *ms_of_day);
/**
 * `ddmm.m…` with its hemisphere letter in 1e-9 degrees, rounded half away from zero; all digits count.
 * `limit` is 90 or 180 degrees, `digits` the fractional digits of the minutes.
 */
bool nmea_angle(const char *text, const char *hemisphere, uint32_t limit, int64_t *e9, uint32_t *digits);
