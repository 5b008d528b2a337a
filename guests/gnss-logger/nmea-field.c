/** Number, time and angle fields in integer arithmetic. */
#include "nmea-field.h"

static bool is_digit(char character) { return (uint8_t)(character - '0') < 10; }

/** Reads digits while there are any; false when there are none or more than nine. */
static bool read_digits(const char **text, uint32_t *value, uint32_t *count) {
  const char *at = *text;
  uint32_t number = 0;
  while (is_digit(*at)) number = number * 10 + (uint32_t)(*at++ - '0');
  *count = (uint32_t)(at - *text);
  *text = at;
  *value = number;
  return *count >= 1 && *count <= 9;
}

/** Reads an optional `.ddd`: its first `wanted` digits as a number, and how many there were. False for other text. */
static bool read_fraction(const char *text, uint32_t wanted, uint32_t *value, uint32_t *count, bool *round_up) {
  uint32_t number = 0, length = 0;
  bool up = false;
  if (*text == '.') {
    for (text++; is_digit(*text); text++, length++) {
      uint32_t digit = (uint32_t)(*text - '0');
      if (length < wanted) number = number * 10 + digit;
      if (length == wanted) up = digit >= 5;
    }
  }
  for (uint32_t i = length; i < wanted; i++) number *= 10;
  *value = number;
  *count = length;
  *round_up = up;
  return *text == 0;
}

bool nmea_unsigned(const char *text, uint32_t *value) {
  uint32_t count;
  return read_digits(&text, value, &count) && *text == 0;
}

bool nmea_scaled(const char *text, uint32_t decimals, int32_t *value) {
  static const uint32_t powers[] = {1, 10, 100, 1000};
  bool negative = *text == '-', round_up;
  uint32_t whole, fraction, count;
  if (negative || *text == '+') text++;
  if (*text == '.') {
    if (!is_digit(text[1])) return false;
    whole = 0;
  } else if (!read_digits(&text, &whole, &count)) {
    return false;
  }
  if (!read_fraction(text, decimals, &fraction, &count, &round_up)) return false;
  if (whole > (INT32_MAX - 1000) / powers[decimals]) return false;
  int32_t magnitude = (int32_t)(whole * powers[decimals] + fraction + (round_up ? 1 : 0));
  *value = negative ? -magnitude : magnitude;
  return true;
}

bool nmea_time(const char *text, int32_t *ms_of_day) {
  uint32_t whole, count, ms;
  bool round_up;
  if (!read_digits(&text, &whole, &count) || count != 6) return false;
  if (!read_fraction(text, 3, &ms, &count, &round_up)) return false;
  uint32_t hours = whole / 10000, minutes = whole / 100 % 100, seconds = whole % 100;
  /* 60 is a leap second. */
  if (hours > 23 || minutes > 59 || seconds > 60) return false;
  *ms_of_day = (int32_t)(((hours * 60 + minutes) * 60 + seconds) * 1000 + ms + (round_up ? 1 : 0));
  return true;
}

bool nmea_angle(const char *text, const char *hemisphere, uint32_t limit, int64_t *e9, uint32_t *digits) {
  uint32_t whole, count, nano_minutes;
  bool round_up;
  char negative = limit == 90 ? 'S' : 'W', positive = limit == 90 ? 'N' : 'E';
  if ((hemisphere[0] != negative && hemisphere[0] != positive) || hemisphere[1] != 0) return false;
  if (!read_digits(&text, &whole, &count) || count < 3 || count > 5) return false;
  if (!read_fraction(text, 9, &nano_minutes, digits, &round_up)) return false;
  uint32_t degrees = whole / 100, minutes = whole % 100;
  if (minutes > 59 || degrees > limit) return false;
  if (degrees == limit && (minutes != 0 || nano_minutes != 0)) return false;
  /*
   * (minutes * 1e9 + nano_minutes) / 60, rounded, in 32 bits: 1e9 = 60 * 16666666 + 40. Digits behind the ninth cannot
   * change the result: they add less than one to a numerator of which only multiples of 60 matter.
   */
  uint32_t part = minutes * 16666666u + (minutes * 40 + nano_minutes + 30) / 60;
  int64_t angle = (int64_t)((uint64_t)degrees * 1000000000u + part);
  *e9 = hemisphere[0] == negative ? -angle : angle;
  return true;
}
