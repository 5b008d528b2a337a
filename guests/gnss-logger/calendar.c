/** The calendar. */
#include "calendar.h"

static bool is_leap(uint32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

bool calendar_is_date(uint32_t year, uint32_t month, uint32_t day) {
  static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1970 || year > 2199 || month < 1 || month > 12 || day < 1) return false;
  return day <= lengths[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

int32_t calendar_days(int32_t year, uint32_t month, uint32_t day) {
  static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  int32_t past = year - 1;
  int32_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;
  return days + before[month - 1] + (month > 2 && is_leap((uint32_t)year) ? 1 : 0) + (int32_t)day - 1;
}
