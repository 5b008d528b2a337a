/** NMEA 0183: GGA, RMC, GLL, GNS, GSA, GSV and ZDA of every talker. */
#include "nmea.h"

#include <string.h>

#include "calendar.h"
#include "nmea-field.h"

#define MAX_FIELDS 24u
#define HALF_DAY_MS (MS_PER_DAY / 2)
#define FORMATTER(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

enum {
  GGA = FORMATTER('G', 'G', 'A'),
  RMC = FORMATTER('R', 'M', 'C'),
  GLL = FORMATTER('G', 'L', 'L'),
  GNS = FORMATTER('G', 'N', 'S'),
  GSA = FORMATTER('G', 'S', 'A'),
  GSV = FORMATTER('G', 'S', 'V'),
  ZDA = FORMATTER('Z', 'D', 'A'),
};

/** Fields by number; the address is number 0, and a field beyond the last is empty. */
typedef struct {
  const char *text[MAX_FIELDS];
} fields;

static void split(char *text, fields *out) {
  uint32_t count = 0;
  out->text[count++] = text;
  for (; *text != 0; text++) {
    if (*text != ',') continue;
    *text = 0;
    if (count == MAX_FIELDS) return;
    out->text[count++] = text + 1;
  }
  while (count < MAX_FIELDS) out->text[count++] = text;
}

static bool is_empty(const char *field) { return field[0] == 0; }
static bool is_letter(const char *field, char letter) { return field[0] == letter && field[1] == 0; }

/** Unix time of a time of day: the date last told, corrected where midnight lies between. */
static int64_t utc_of(nmea_parser *parser, int32_t ms_of_day) {
  if (!parser->dated) return GNSS_UTC_UNKNOWN;
  if (ms_of_day > parser->ms_of_day + HALF_DAY_MS) return calendar_utc_ms(parser->day - 1, ms_of_day);
  if (ms_of_day < parser->ms_of_day - HALF_DAY_MS) parser->day++;
  parser->ms_of_day = ms_of_day;
  return calendar_utc_ms(parser->day, ms_of_day);
}

/** An optional time field. False when it is there and wrong. */
static bool optional_time(const char *field, int32_t *ms_of_day) {
  *ms_of_day = -1;
  return is_empty(field) || nmea_time(field, ms_of_day);
}

/** Latitude, hemisphere, longitude, hemisphere from `field` on. */
static bool position(const char *const *field, gnss_fix *fix) {
  uint32_t lat_digits, lon_digits;
  if (!nmea_angle(field[0], field[1], 90, &fix->lat_e9, &lat_digits)) return false;
  if (!nmea_angle(field[2], field[3], 180, &fix->lon_e9, &lon_digits)) return false;
  fix->digits = lat_digits < lon_digits ? lat_digits : lon_digits;
  return true;
}

static bool has_no_position(const char *const *field) { return is_empty(field[0]) && is_empty(field[2]); }

static void emit(nmea_parser *parser, gnss_fix *fix, int32_t ms_of_day) {
  fix->utc_ms = ms_of_day < 0 ? GNSS_UTC_UNKNOWN : utc_of(parser, ms_of_day);
  parser->sink.fix(fix);
}

/** For sentences that do not say it themselves. */
static uint8_t known_mode(const nmea_parser *parser) {
  if (parser->gsa_mode >= GNSS_MODE_2D) return parser->gsa_mode;
  return parser->fix_mode >= GNSS_MODE_2D ? parser->fix_mode : GNSS_MODE_2D;
}

/** GGA and GNS carry satellites and altitude alike, from the fields named. */
static gnss_verdict with_altitude(nmea_parser *parser, const fields *in, gnss_fix *fix, uint32_t satellites, uint32_t altitude) {
  int32_t ms_of_day;
  uint32_t count = 0;
  fix->alt_mm = GNSS_ALTITUDE_UNKNOWN;
  if (!optional_time(in->text[1], &ms_of_day)) return GNSS_MALFORMED;
  if (!is_empty(in->text[satellites]) && !nmea_unsigned(in->text[satellites], &count)) return GNSS_MALFORMED;
  if (has_no_position(&in->text[2])) return GNSS_UNDERSTOOD;
  if (!position(&in->text[2], fix)) return GNSS_MALFORMED;
  if (!is_empty(in->text[altitude]) && !nmea_scaled(in->text[altitude], 3, &fix->alt_mm)) return GNSS_MALFORMED;
  parser->fix_mode = fix->alt_mm == GNSS_ALTITUDE_UNKNOWN ? GNSS_MODE_2D : GNSS_MODE_3D;
  fix->mode = known_mode(parser);
  fix->satellites = parser->satellites = count < 255 ? (uint8_t)count : 255;
  emit(parser, fix, ms_of_day);
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_gga(nmea_parser *parser, const fields *in, gnss_fix *fix) {
  uint32_t quality;
  if (is_empty(in->text[6])) return GNSS_UNDERSTOOD;
  if (!nmea_unsigned(in->text[6], &quality)) return GNSS_MALFORMED;
  fix->source = GNSS_SOURCE_GGA;
  return quality == 0 ? GNSS_UNDERSTOOD : with_altitude(parser, in, fix, 7, 9);
}

static gnss_verdict parse_gns(nmea_parser *parser, const fields *in, gnss_fix *fix) {
  const char *modes = in->text[6];
  fix->source = GNSS_SOURCE_GNS;
  return modes[strspn(modes, "N")] == 0 ? GNSS_UNDERSTOOD : with_altitude(parser, in, fix, 7, 9);
}

/** `ddmmyy`; years 80 to 99 belong to the last century. */
static bool rmc_date(const char *field, int32_t *days) {
  uint32_t number;
  if (strlen(field) != 6 || !nmea_unsigned(field, &number)) return false;
  uint32_t year = number % 100, month = number / 100 % 100, day = number / 10000;
  year += year >= 80 ? 1900 : 2000;
  if (!calendar_is_date(year, month, day)) return false;
  *days = calendar_days((int32_t)year, month, day);
  return true;
}

static void set_date(nmea_parser *parser, int32_t days, int32_t ms_of_day) {
  parser->dated = true;
  parser->day = days;
  parser->ms_of_day = ms_of_day;
}

static gnss_verdict parse_rmc(nmea_parser *parser, const fields *in, gnss_fix *fix) {
  int32_t ms_of_day, days = 0;
  /* A receiver without a fix may tell any date: only a valid sentence sets it. */
  if (!is_letter(in->text[2], 'A')) return GNSS_UNDERSTOOD;
  bool has_date = !is_empty(in->text[9]);
  if (!optional_time(in->text[1], &ms_of_day)) return GNSS_MALFORMED;
  if (has_date && !rmc_date(in->text[9], &days)) return GNSS_MALFORMED;
  bool positioned = !has_no_position(&in->text[3]);
  if (positioned && !position(&in->text[3], fix)) return GNSS_MALFORMED;
  if (has_date && ms_of_day >= 0) set_date(parser, days, ms_of_day);
  if (!positioned) return GNSS_UNDERSTOOD;
  fix->source = GNSS_SOURCE_RMC;
  fix->alt_mm = GNSS_ALTITUDE_UNKNOWN;
  fix->mode = known_mode(parser);
  fix->satellites = parser->satellites;
  emit(parser, fix, ms_of_day);
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_gll(nmea_parser *parser, const fields *in, gnss_fix *fix) {
  int32_t ms_of_day;
  if (!is_letter(in->text[6], 'A') || has_no_position(&in->text[1])) return GNSS_UNDERSTOOD;
  if (!optional_time(in->text[5], &ms_of_day) || !position(&in->text[1], fix)) return GNSS_MALFORMED;
  fix->source = GNSS_SOURCE_GLL;
  fix->alt_mm = GNSS_ALTITUDE_UNKNOWN;
  fix->mode = known_mode(parser);
  fix->satellites = parser->satellites;
  emit(parser, fix, ms_of_day);
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_zda(nmea_parser *parser, const fields *in) {
  int32_t ms_of_day;
  uint32_t day, month, year;
  if (is_empty(in->text[1]) || is_empty(in->text[2]) || is_empty(in->text[3]) || is_empty(in->text[4])) return GNSS_UNDERSTOOD;
  if (!nmea_time(in->text[1], &ms_of_day) || !nmea_unsigned(in->text[2], &day)) return GNSS_MALFORMED;
  if (!nmea_unsigned(in->text[3], &month) || !nmea_unsigned(in->text[4], &year)) return GNSS_MALFORMED;
  if (!calendar_is_date(year, month, day)) return GNSS_MALFORMED;
  set_date(parser, calendar_days((int32_t)year, month, day), ms_of_day);
  return GNSS_UNDERSTOOD;
}

static bool dilution(const char *field, uint32_t *e2) {
  int32_t value = 0;
  if (!is_empty(field) && (!nmea_scaled(field, 2, &value) || value < 0)) return false;
  *e2 = (uint32_t)value;
  return true;
}

static gnss_verdict parse_gsa(nmea_parser *parser, const fields *in) {
  uint32_t mode, used = 0;
  gnss_satellites quality = parser->quality;
  if (is_empty(in->text[2])) return GNSS_UNDERSTOOD;
  if (!nmea_unsigned(in->text[2], &mode) || mode < 1 || mode > 3) return GNSS_MALFORMED;
  for (uint32_t i = 3; i <= 14; i++) used += is_empty(in->text[i]) ? 0 : 1;
  if (!dilution(in->text[15], &quality.pdop_e2) || !dilution(in->text[16], &quality.hdop_e2)) return GNSS_MALFORMED;
  if (!dilution(in->text[17], &quality.vdop_e2)) return GNSS_MALFORMED;
  /* One sentence a constellation, in a row. */
  if (parser->previous == GSA) used += quality.used;
  quality.used = used < 255 ? (uint8_t)used : 255;
  parser->quality = quality;
  parser->gsa_mode = (uint8_t)mode;
  parser->sink.satellites(&parser->quality);
  return GNSS_UNDERSTOOD;
}

static uint32_t constellation(const char *talker) {
  static const char known[] = "GPGLGAGBBDGQ";
  for (uint32_t i = 0; i < NMEA_CONSTELLATIONS - 1; i++) {
    if (talker[0] == known[2 * i] && talker[1] == known[2 * i + 1]) return i;
  }
  return NMEA_CONSTELLATIONS - 1;
}

static gnss_verdict parse_gsv(nmea_parser *parser, const fields *in) {
  uint32_t total, number, in_view, sum = 0;
  if (!nmea_unsigned(in->text[1], &total) || !nmea_unsigned(in->text[2], &number)) return GNSS_MALFORMED;
  if (is_empty(in->text[3])) return GNSS_UNDERSTOOD;
  if (!nmea_unsigned(in->text[3], &in_view)) return GNSS_MALFORMED;
  if (parser->previous != GSV) memset(parser->in_view, 0, sizeof parser->in_view);
  if (number != total) return GNSS_UNDERSTOOD;
  /* A receiver of several bands sends a group for each signal; the satellites are the same ones. */
  uint8_t *place = &parser->in_view[constellation(in->text[0])];
  if (in_view > 255) in_view = 255;
  if (in_view > *place) *place = (uint8_t)in_view;
  for (uint32_t i = 0; i < NMEA_CONSTELLATIONS; i++) sum += parser->in_view[i];
  parser->quality.in_view = sum < 255 ? (uint8_t)sum : 255;
  parser->sink.satellites(&parser->quality);
  return GNSS_UNDERSTOOD;
}

static uint32_t formatter_of(const char *text) {
  for (uint32_t i = 0; i < 5; i++) {
    if (text[i] < 'A' || text[i] > 'Z') return 0;
  }
  return text[5] == ',' && text[0] != 'P' ? FORMATTER(text[2], text[3], text[4]) : 0;
}

static gnss_verdict interpret(nmea_parser *parser, uint32_t formatter, char *text, uint32_t stream_offset) {
  gnss_fix fix = {.stream_offset = stream_offset};
  fields in;
  split(text, &in);
  switch (formatter) {
    case GGA: return parse_gga(parser, &in, &fix);
    case RMC: return parse_rmc(parser, &in, &fix);
    case GLL: return parse_gll(parser, &in, &fix);
    case GNS: return parse_gns(parser, &in, &fix);
    case GSA: return parse_gsa(parser, &in);
    case GSV: return parse_gsv(parser, &in);
    default: return parse_zda(parser, &in);
  }
}

gnss_verdict nmea_sentence(nmea_parser *parser, char *text, uint32_t stream_offset) {
  uint32_t formatter = formatter_of(text);
  gnss_verdict verdict = GNSS_UNKNOWN;
  switch (formatter) {
    case GGA:
    case RMC:
    case GLL:
    case GNS:
    case GSA:
    case GSV:
    case ZDA: verdict = interpret(parser, formatter, text, stream_offset); break;
    default: break;
  }
  parser->previous = formatter;
  return verdict;
}
