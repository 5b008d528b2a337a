/** The check of a block. */
#include "block-exchange.h"

/** Four bits at a time: 64 bytes of table. */
static const uint32_t nibbles[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    crc = nibbles[crc & 15] ^ crc >> 4;
    crc = nibbles[crc & 15] ^ crc >> 4;
  }
  return crc;
}

uint32_t block_crc(const sample_block *block) {
  uint32_t crc = crc_of(0xFFFFFFFFu, (const uint8_t *)block, 12);
  return ~crc_of(crc, (const uint8_t *)block->samples, 2 * block->count);
}
