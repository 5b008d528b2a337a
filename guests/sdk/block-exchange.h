/** Blocks of samples in shared memory, from a sampler to whoever checks them: how both sides lay them out. */
#pragma once

#include <stdint.h>

/** A block lies in the slot of its sequence number, modulo the number of slots, at the start of the sender's section. */
#define BLOCK_SLOTS 16u
#define BLOCK_SLOT_BYTES 256u
#define BLOCK_MAX_SAMPLES 120u
#define BLOCK_HEADER_BYTES 16u

/** Doorbells: a block has come; the receiver has looked at blocks. */
#define VECTOR_BLOCK 1u
#define VECTOR_ACKNOWLEDGED 2u

typedef struct {
  /** From 1. */
  uint32_t sequence;
  /** Number of the first sample, from 0. */
  uint32_t first;
  uint32_t count;
  /** CRC-32 (IEEE 802.3) of sequence, first, count and the samples. */
  uint32_t crc;
  uint16_t samples[BLOCK_MAX_SAMPLES];
} sample_block;

_Static_assert(sizeof(sample_block) == BLOCK_SLOT_BYTES, "a block fills its slot");

/** At the start of the receiver's section. */
typedef struct {
  /** Sequence number of the last block that was looked at. */
  uint32_t sequence;
  uint32_t good;
  uint32_t bad;
  uint32_t missed;
} block_acknowledgement;

/** CRC-32 of a block whose `count` is at most `BLOCK_MAX_SAMPLES`. */
uint32_t block_crc(const sample_block *block);
