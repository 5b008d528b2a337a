/** The register map of the RV-DAQ16 (docs/daq-board.md). */

/** Bytes of BAR 0. */
export const BAR_BYTES = 4096;

/** Offsets in BAR 0. Control words are the host's, status words the board's; words between them are reserved and read 0. */
export const DAQ_REGISTER = {
  id: 0x000,
  version: 0x004,
  channels: 0x008,
  fifoSamples: 0x00c,
  clockHz: 0x010,

  mode: 0x040,
  divisor: 0x044,
  channelMask: 0x048,
  ringLow: 0x04c,
  ringHigh: 0x050,
  ringSize: 0x054,
  coalesceCount: 0x058,
  coalesceUs: 0x05c,
  acknowledge: 0x070,
  tail: 0x074,
  run: 0x07c,

  status: 0x080,
  fifoLevel: 0x084,
  samplesLow: 0x088,
  samplesHigh: 0x08c,
  lost: 0x090,
  dmaErrors: 0x094,
  running: 0x0b8,
  head: 0x0bc,

  fifoData: 0x0c0,
} as const;

/** First byte of the control words and of the status words, and the byte behind each block. */
export const CONTROL_WORDS = { first: 0x040, end: 0x080 } as const;
export const STATUS_WORDS = { first: 0x080, end: 0x0c0 } as const;

/** ID reads "RVDQ". */
export const DAQ_ID = 0x5144_5652;
export const DAQ_VERSION = 1;
export const CLOCK_HZ = 10_000_000;
/** The registers that say what the board is, and never change; undefined for any other. */
export function identityWord(offset: number, channels: number, fifoSamples: number): number | undefined {
  switch (offset) {
    case DAQ_REGISTER.id:
      return DAQ_ID;
    case DAQ_REGISTER.version:
      return DAQ_VERSION;
    case DAQ_REGISTER.channels:
      return channels;
    case DAQ_REGISTER.fifoSamples:
      return fifoSamples;
    case DAQ_REGISTER.clockHz:
      return CLOCK_HZ;
    default:
      return undefined;
  }
}

/** The converter takes no more than a million scans a second. */
export const LEAST_DIVISOR = 10;

export const DAQ_MODE = { dma: 1, counter: 2, interrupt: 4 } as const;

export const DAQ_STATUS = { overrun: 1, dmaError: 2, ringEmpty: 4, halfFull: 8, interrupt: 16 } as const;

/** A descriptor: 32 bytes, little-endian; the second half is written back by the board. */
export const DESCRIPTOR_BYTES = 32;
export const DESCRIPTOR = {
  addressLow: 0,
  addressHigh: 4,
  length: 8,
  reserved: 12,
  doneLength: 16,
  sequence: 20,
  timeLow: 24,
  timeHigh: 28,
} as const;

export const MOST_DESCRIPTORS = 1024;
export const MOST_BLOCK_BYTES = 65_536;
