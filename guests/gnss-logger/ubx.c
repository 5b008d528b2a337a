/** UBX NAV messages (u-blox 8 / M8 Receiver description, UBX-13003221, section 32.17). */
#include "ubx.h"

#include "calendar.h"
#include "geodetic.h"

#define CLASS_NAV 0x01u
#define WEEK_MS 604800000
/** 1980-01-06 in Unix time. */
#define GPS_EPOCH_MS 315964800000LL

enum { NAV_POSLLH = 0x02, NAV_STATUS = 0x03, NAV_SOL = 0x06, NAV_PVT = 0x07, NAV_TIMEGPS = 0x20, NAV_TIMEUTC = 0x21 };

/** Values of gpsFix and fixType. */
enum { FIX_2D = 2, FIX_3D = 3, FIX_COMBINED = 4 };

/** Fractional digits of a degree that the receiver resolves, in 1e-7 degrees as in centimetres. */
#define UBX_DIGITS 7u

static uint32_t u16(const uint8_t *at) { return at[0] | (uint32_t)at[1] << 8; }
static int32_t i16(const uint8_t *at) { return (int16_t)u16(at); }
static uint32_t u32(const uint8_t *at) { return u16(at) | u16(at + 2) << 16; }
static int32_t i32(const uint8_t *at) { return (int32_t)u32(at); }

static uint8_t mode_of(uint8_t fix, bool valid) {
  if (!valid) return GNSS_MODE_NONE;
  if (fix == FIX_2D) return GNSS_MODE_2D;
  return fix == FIX_3D || fix == FIX_COMBINED ? GNSS_MODE_3D : GNSS_MODE_NONE;
}

/** Nanoseconds to the nearest millisecond, also below zero. */
static int32_t rounded_ms(int32_t nanoseconds) {
  int32_t shifted = nanoseconds + 500000;
  int32_t quotient = shifted / 1000000;
  return shifted % 1000000 < 0 ? quotient - 1 : quotient;
}

static void set_moment(ubx_parser *parser, uint32_t itow, int64_t utc_ms) {
  parser->moment_known = true;
  parser->moment_itow = itow;
  parser->moment_utc_ms = utc_ms;
}

static int64_t utc_of_week(const ubx_parser *parser, int32_t week, uint32_t itow) {
  return GPS_EPOCH_MS + (int64_t)week * WEEK_MS + itow - (int64_t)parser->leap_s * 1000;
}

/** Unix time of a time of week within half a week of the last known moment. */
static int64_t utc_of_itow(const ubx_parser *parser, uint32_t itow) {
  if (!parser->moment_known || itow >= WEEK_MS) return GNSS_UTC_UNKNOWN;
  int32_t step = (int32_t)itow - (int32_t)parser->moment_itow;
  if (step > WEEK_MS / 2) step -= WEEK_MS;
  if (step < -WEEK_MS / 2) step += WEEK_MS;
  return parser->moment_utc_ms + step;
}

static bool is_angle(int32_t lat_e7, int32_t lon_e7) {
  return lat_e7 >= -900000000 && lat_e7 <= 900000000 && lon_e7 >= -1800000000 && lon_e7 <= 1800000000;
}

/** Calendar fields from `year` on: U2 year, U1 month, day, hour, minute, second. False when there is no such moment. */
static bool civil_utc(const uint8_t *year, int32_t nanoseconds, int64_t *utc_ms) {
  if (!calendar_is_date(u16(year), year[2], year[3]) || year[4] > 23 || year[5] > 59 || year[6] > 60) return false;
  if (nanoseconds < -1000000000 || nanoseconds > 1000000000) return false;
  int32_t ms_of_day = ((year[4] * 60 + year[5]) * 60 + year[6]) * 1000 + rounded_ms(nanoseconds);
  *utc_ms = calendar_utc_ms(calendar_days((int32_t)u16(year), year[2], year[3]), ms_of_day);
  return true;
}

/** The kind of solution of one epoch is known: a position of it that waited is reported, an older one is not. */
static void set_mode(ubx_parser *parser, uint32_t itow, uint8_t mode, uint8_t satellites) {
  parser->mode = mode;
  parser->satellites = satellites;
  parser->mode_known = true;
  parser->mode_itow = itow;
  if (!parser->held) return;
  parser->held = false;
  if (parser->held_itow != itow || mode < GNSS_MODE_2D) return;
  parser->held_fix.utc_ms = utc_of_itow(parser, itow);
  parser->held_fix.mode = mode;
  parser->held_fix.satellites = satellites;
  parser->sink.fix(&parser->held_fix);
}

static gnss_verdict parse_pvt(ubx_parser *parser, const uint8_t *payload, gnss_fix *fix) {
  bool timed = (payload[11] & 3) == 3;
  fix->utc_ms = GNSS_UTC_UNKNOWN;
  if (timed && !civil_utc(payload + 4, i32(payload + 16), &fix->utc_ms)) return GNSS_MALFORMED;
  int32_t lon_e7 = i32(payload + 24), lat_e7 = i32(payload + 28);
  if (!is_angle(lat_e7, lon_e7)) return GNSS_MALFORMED;
  if (timed) set_moment(parser, u32(payload), fix->utc_ms);
  set_mode(parser, u32(payload), mode_of(payload[20], payload[21] & 1), payload[23]);
  if (parser->mode == GNSS_MODE_NONE) return GNSS_UNDERSTOOD;
  fix->lat_e9 = (int64_t)lat_e7 * 100;
  fix->lon_e9 = (int64_t)lon_e7 * 100;
  fix->alt_mm = i32(payload + 36);
  fix->source = GNSS_SOURCE_NAV_PVT;
  fix->mode = parser->mode;
  fix->satellites = parser->satellites;
  parser->sink.fix(fix);
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_sol(ubx_parser *parser, const uint8_t *payload, gnss_fix *fix) {
  uint32_t itow = u32(payload);
  uint8_t flags = payload[11];
  if (itow >= WEEK_MS) return GNSS_MALFORMED;
  bool timed = (flags & 0x0C) == 0x0C && parser->leap_known;
  if (timed) set_moment(parser, itow, utc_of_week(parser, i16(payload + 8), itow));
  set_mode(parser, itow, mode_of(payload[10], flags & 1), payload[47]);
  if (parser->mode == GNSS_MODE_NONE) return GNSS_UNDERSTOOD;
  if (!geodetic_from_ecef(i32(payload + 12), i32(payload + 16), i32(payload + 20), &fix->lat_e9, &fix->lon_e9)) {
    return GNSS_MALFORMED;
  }
  fix->utc_ms = utc_of_itow(parser, itow);
  /* The message knows the height above the ellipsoid alone. */
  fix->alt_mm = GNSS_ALTITUDE_UNKNOWN;
  fix->source = GNSS_SOURCE_NAV_SOL;
  fix->mode = parser->mode;
  fix->satellites = parser->satellites;
  parser->sink.fix(fix);
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_posllh(ubx_parser *parser, const uint8_t *payload, gnss_fix *fix) {
  int32_t lon_e7 = i32(payload + 4), lat_e7 = i32(payload + 8);
  if (!is_angle(lat_e7, lon_e7)) return GNSS_MALFORMED;
  uint32_t itow = u32(payload);
  fix->utc_ms = utc_of_itow(parser, itow);
  fix->lat_e9 = (int64_t)lat_e7 * 100;
  fix->lon_e9 = (int64_t)lon_e7 * 100;
  fix->alt_mm = i32(payload + 16);
  fix->source = GNSS_SOURCE_NAV_POSLLH;
  fix->mode = parser->mode;
  fix->satellites = parser->satellites;
  /* The message does not say whether it is valid: one of the same epoch must, and often comes behind it. */
  if (!parser->mode_known || parser->mode_itow != itow) {
    parser->held = true;
    parser->held_itow = itow;
    parser->held_fix = *fix;
  } else if (parser->mode >= GNSS_MODE_2D) {
    parser->sink.fix(fix);
  }
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_timegps(ubx_parser *parser, const uint8_t *payload) {
  uint32_t itow = u32(payload);
  uint8_t valid = payload[11];
  if (itow >= WEEK_MS) return GNSS_MALFORMED;
  if (valid & 4) {
    parser->leap_known = true;
    parser->leap_s = (int8_t)payload[10];
  }
  bool timed = (valid & 3) == 3 && parser->leap_known;
  if (timed) set_moment(parser, itow, utc_of_week(parser, i16(payload + 8), itow));
  return GNSS_UNDERSTOOD;
}

static gnss_verdict parse_timeutc(ubx_parser *parser, const uint8_t *payload) {
  uint32_t itow = u32(payload);
  int64_t utc_ms;
  if ((payload[19] & 7) != 7) return GNSS_UNDERSTOOD;
  if (itow >= WEEK_MS || !civil_utc(payload + 12, i32(payload + 8), &utc_ms)) return GNSS_MALFORMED;
  set_moment(parser, itow, utc_ms);
  return GNSS_UNDERSTOOD;
}

static gnss_verdict interpret(ubx_parser *parser, uint8_t message_id, const uint8_t *payload, uint32_t length, gnss_fix *fix) {
  switch (message_id) {
    /* 84 bytes up to protocol version 14, 92 since. */
    case NAV_PVT: return length >= 84 ? parse_pvt(parser, payload, fix) : GNSS_MALFORMED;
    case NAV_SOL: return length == 52 ? parse_sol(parser, payload, fix) : GNSS_MALFORMED;
    case NAV_POSLLH: return length == 28 ? parse_posllh(parser, payload, fix) : GNSS_MALFORMED;
    case NAV_TIMEGPS: return length == 16 ? parse_timegps(parser, payload) : GNSS_MALFORMED;
    case NAV_TIMEUTC: return length == 20 ? parse_timeutc(parser, payload) : GNSS_MALFORMED;
    case NAV_STATUS:
      if (length != 16) return GNSS_MALFORMED;
      set_mode(parser, u32(payload), mode_of(payload[4], payload[5] & 1), parser->satellites);
      return GNSS_UNDERSTOOD;
    default: return GNSS_UNKNOWN;
  }
}

gnss_verdict ubx_message(ubx_parser *parser, uint8_t class_id, uint8_t message_id, const uint8_t *payload, uint32_t length,
                         uint32_t stream_offset) {
  if (class_id != CLASS_NAV) return GNSS_UNKNOWN;
  gnss_fix fix = {.digits = UBX_DIGITS, .stream_offset = stream_offset};
  return interpret(parser, message_id, payload, length, &fix);
}
