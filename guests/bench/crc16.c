/** CRC-16/XMODEM (polynomial 0x1021, initial value 0), bit by bit. */
#include "bench.h"

#define LENGTH 4096u
#define ROUNDS 4000u

const char bench_name[] = "crc16";
const uint32_t bench_expected = 0x000005bb;

static uint8_t data[LENGTH];

static uint16_t crc16(uint16_t crc, const uint8_t *bytes, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    crc ^= (uint16_t)(bytes[i] << 8);
    for (uint32_t bit = 0; bit < 8; bit++) crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

uint32_t bench_run(void) {
  uint32_t seed = 3;
  for (uint32_t i = 0; i < LENGTH; i++) data[i] = (uint8_t)bench_random(&seed);
  /* The check value of this CRC. */
  if (crc16(0, (const uint8_t *)"123456789", 9) != 0x31c3) return 0;
  uint16_t crc = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) crc = crc16(crc, data, LENGTH);
  return crc;
}
