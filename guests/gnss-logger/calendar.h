/** Days of the proleptic Gregorian calendar and milliseconds of a day. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MS_PER_DAY 86400000

/** Days since 1970-01-01. The date must be valid. */
int32_t calendar_days(int32_t year, uint32_t month, uint32_t day);
/** Whether the date exists, from 1970 to 2199. */
bool calendar_is_date(uint32_t year, uint32_t month, uint32_t day);
/** Unix time in milliseconds. */
static inline int64_t calendar_utc_ms(int32_t days, int32_t ms_of_day) { return (int64_t)days * MS_PER_DAY + ms_of_day; }
