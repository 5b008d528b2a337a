/** Framing: a state for each byte, and a second look at whatever was wrongly taken for a UBX message. */
#include "gnss.h"

#include <stdbool.h>
#include <string.h>

#define UBX_SYNC_1 0xB5u
#define UBX_SYNC_2 0x62u
#define UBX_HEADER 6u

enum {
  SEARCH,
  NMEA_TEXT,
  NMEA_SUM_1,
  NMEA_SUM_2,
  NMEA_RETURN,
  NMEA_NEWLINE,
  NMEA_REST,
  UBX_SYNC,
  UBX_HEAD,
  UBX_PAYLOAD,
  UBX_SUM_A,
  UBX_SUM_B,
};

void gnss_open(gnss_stream *stream, gnss_sink sink) {
  memset(stream, 0, sizeof *stream);
  stream->nmea.sink = sink;
  stream->ubx.sink = sink;
}

static void skip_byte(gnss_stream *stream) {
  if (!stream->skipping) stream->counters.resyncs++;
  stream->skipping = true;
  stream->counters.skipped_bytes++;
}

static void search(gnss_stream *stream, uint8_t byte) {
  stream->state = SEARCH;
  if (byte == '$' || byte == '!') {
    stream->line_length = 0;
    stream->line_checksum = 0;
    stream->state = NMEA_TEXT;
  } else if (byte == UBX_SYNC_1) {
    stream->frame[0] = byte;
    stream->state = UBX_SYNC;
  } else {
    skip_byte(stream);
  }
}

/** Gives the sentence up; the byte that was wrong may begin the next one. */
static void give_up_sentence(gnss_stream *stream, uint8_t byte) {
  stream->counters.nmea_malformed++;
  stream->skipping = false;
  search(stream, byte);
}

static void end_sentence(gnss_stream *stream, uint32_t end) {
  gnss_counters *counters = &stream->counters;
  stream->state = SEARCH;
  stream->skipping = false;
  if (stream->told_checksum != stream->line_checksum) {
    counters->nmea_checksum_errors++;
    return;
  }
  stream->line[stream->line_length] = 0;
  switch (nmea_sentence(&stream->nmea, stream->line, end)) {
    case GNSS_MALFORMED: counters->nmea_malformed++; return;
    case GNSS_UNKNOWN: counters->unknown_messages++; break;
    case GNSS_UNDERSTOOD: break;
  }
  counters->nmea_ok++;
}

/** Takes a character that only lengthens the sentence, as nearly all do. */
static inline bool extend_sentence(gnss_stream *stream, uint8_t byte) {
  if (byte < 0x20 || byte >= 0x7F || byte == '$' || byte == '*') return false;
  uint32_t length = stream->line_length;
  if (length >= NMEA_MAX_TEXT) return false;
  stream->line[length] = (char)byte;
  stream->line_length = length + 1;
  stream->line_checksum ^= byte;
  return true;
}

static void sentence_text(gnss_stream *stream, uint8_t byte) {
  if (extend_sentence(stream, byte)) return;
  if (byte == '*') {
    stream->state = NMEA_SUM_1;
  } else if (byte == '\r' || byte == '\n') {
    /* A whole line without a checksum: nothing vouches for it, but its end is known. */
    stream->counters.nmea_malformed++;
    stream->skipping = false;
    stream->state = byte == '\r' ? NMEA_REST : SEARCH;
  } else {
    give_up_sentence(stream, byte);
  }
}

static int hexadecimal(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static void sentence_sum(gnss_stream *stream, uint8_t byte) {
  int digit = hexadecimal(byte);
  if (digit < 0) {
    give_up_sentence(stream, byte);
    return;
  }
  stream->told_checksum = (uint8_t)(stream->state == NMEA_SUM_1 ? digit : stream->told_checksum << 4 | digit);
  stream->state = stream->state == NMEA_SUM_1 ? NMEA_SUM_2 : NMEA_RETURN;
}

/** Behind the checksum: carriage return and line feed, either of which may be missing. */
static void sentence_end(gnss_stream *stream, uint8_t byte) {
  if (byte == '\r' && stream->state == NMEA_RETURN) {
    stream->state = NMEA_NEWLINE;
  } else if (byte == '\n') {
    end_sentence(stream, stream->offset);
  } else {
    end_sentence(stream, stream->offset - 1);
    search(stream, byte);
  }
}

/**
 * The `length` bytes at the start of `frame` are no message: the first is skipped, the others are looked at again
 * before anything that follows. They fit: each was looked at before, so room was made for it behind them.
 */
static void look_again(gnss_stream *stream, uint32_t length) {
  stream->state = SEARCH;
  skip_byte(stream);
  if (stream->again == stream->again_end) stream->again = stream->again_end = length;
  stream->again -= length - 1;
  memmove(stream->frame + stream->again, stream->frame + 1, length - 1);
  stream->offset -= length - 1;
}

static void message_sync(gnss_stream *stream, uint8_t byte) {
  if (byte != UBX_SYNC_2) {
    skip_byte(stream);
    search(stream, byte);
    return;
  }
  stream->frame[1] = byte;
  stream->frame_length = 2;
  stream->checksum_a = stream->checksum_b = 0;
  stream->state = UBX_HEAD;
}

static void message_body(gnss_stream *stream, uint8_t byte) {
  stream->frame[stream->frame_length++] = byte;
  stream->checksum_a += byte;
  stream->checksum_b += stream->checksum_a;
}

static void message_head(gnss_stream *stream, uint8_t byte) {
  message_body(stream, byte);
  if (stream->frame_length < UBX_HEADER) return;
  uint32_t length = stream->frame[4] | (uint32_t)stream->frame[5] << 8;
  if (length > UBX_MAX_PAYLOAD) {
    look_again(stream, stream->frame_length);
    return;
  }
  stream->frame_end = UBX_HEADER + length;
  stream->state = length == 0 ? UBX_SUM_A : UBX_PAYLOAD;
}

static void message_end(gnss_stream *stream, uint8_t byte) {
  const uint8_t *frame = stream->frame;
  stream->frame[stream->frame_length++] = byte;
  if (frame[stream->frame_end] != stream->checksum_a || byte != stream->checksum_b) {
    stream->counters.ubx_checksum_errors++;
    look_again(stream, stream->frame_length);
    return;
  }
  stream->state = SEARCH;
  stream->skipping = false;
  stream->counters.ubx_ok++;
  uint32_t length = stream->frame_end - UBX_HEADER;
  gnss_verdict verdict = ubx_message(&stream->ubx, frame[2], frame[3], frame + UBX_HEADER, length, stream->offset);
  if (verdict != GNSS_UNDERSTOOD) stream->counters.unknown_messages++;
}

static inline void step(gnss_stream *stream, uint8_t byte) {
  stream->offset++;
  switch (stream->state) {
    case NMEA_TEXT: sentence_text(stream, byte); break;
    case UBX_PAYLOAD:
      message_body(stream, byte);
      if (stream->frame_length == stream->frame_end) stream->state = UBX_SUM_A;
      break;
    case UBX_SUM_A:
      stream->frame[stream->frame_length++] = byte;
      stream->state = UBX_SUM_B;
      break;
    case UBX_SUM_B: message_end(stream, byte); break;
    case UBX_HEAD: message_head(stream, byte); break;
    case UBX_SYNC: message_sync(stream, byte); break;
    case NMEA_SUM_1:
    case NMEA_SUM_2: sentence_sum(stream, byte); break;
    case NMEA_RETURN:
    case NMEA_NEWLINE: sentence_end(stream, byte); break;
    case NMEA_REST:
      stream->state = SEARCH;
      if (byte != '\n') search(stream, byte);
      break;
    default: search(stream, byte); break;
  }
}

/** Apart from `gnss_feed`, which then has no register to save for a character within a sentence. */
static __attribute__((noinline)) void feed(gnss_stream *stream, const uint8_t *bytes, const uint8_t *end, size_t stride) {
  for (; bytes != end; bytes += stride) {
    step(stream, *bytes);
    while (stream->again != stream->again_end) step(stream, stream->frame[stream->again++]);
  }
}

void gnss_feed(gnss_stream *stream, const uint8_t *bytes, size_t count, size_t stride) {
  const uint8_t *end = bytes + count * stride;
  if (count == 0) return;
  stream->counters.bytes += (uint32_t)count;
  if (stream->state == NMEA_TEXT) {
    while (extend_sentence(stream, *bytes)) {
      stream->offset++;
      bytes += stride;
      if (bytes == end) return;
    }
  }
  feed(stream, bytes, end, stride);
}
