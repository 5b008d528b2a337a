/** What a transaction costs on the bus, and when frames begin (USB 2.0, chapters 5 and 8). */

import { TRANSFER_TYPE, type TransferType } from '../../base/index.js';
import type { UsbSpeed } from './usb-port.js';

/** Bit time in nanoseconds. */
const BIT_NS: Readonly<Record<UsbSpeed, number>> = {
  low: 2000 / 3,
  full: 1000 / 12,
  high: 1000 / 480,
  super: 1000 / 5000,
};

/**
 * Bytes of protocol overhead of one transaction: tokens, CRC, handshake, turn-arounds (USB 2.0, tables 5-1 to 5-10; a
 * control transfer's is spread over its three stages).
 */
const OVERHEAD_BYTES: Readonly<Record<UsbSpeed, { readonly control: number; readonly other: number }>> = {
  low: { control: 21, other: 19 },
  full: { control: 15, other: 13 },
  high: { control: 58, other: 55 },
  super: { control: 58, other: 55 },
};

/** From the beginning of a frame to its first transaction: the start of frame packet. */
const START_OF_FRAME_BYTES = 6;

export interface BusTiming {
  /** Frame, or at high speed microframe. */
  readonly frameNs: number;
  readonly startOfFrameNs: number;
  /** Time of a transaction with `bytes` of data, in whole nanoseconds. */
  transactionNs(type: TransferType, bytes: number): number;
  /** Period of an interrupt endpoint, from its `bInterval`, in nanoseconds (USB 2.0, section 9.6.6). */
  intervalNs(bInterval: number): number;
}

export function busTiming(speed: UsbSpeed): BusTiming {
  const bitNs = BIT_NS[speed];
  const overhead = OVERHEAD_BYTES[speed];
  const micro = speed === 'high' || speed === 'super';
  const frameNs = micro ? 125_000 : 1_000_000;
  return {
    frameNs,
    startOfFrameNs: Math.ceil(START_OF_FRAME_BYTES * 8 * bitNs),
    transactionNs: (type, bytes) =>
      Math.ceil((bytes + (type === TRANSFER_TYPE.control ? overhead.control : overhead.other)) * 8 * bitNs),
    intervalNs: (bInterval) => {
      if (micro) return frameNs * 2 ** (Math.min(16, Math.max(1, bInterval)) - 1);
      return frameNs * Math.max(1, bInterval);
    },
  };
}
