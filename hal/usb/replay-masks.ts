/** Masks of a replay: bytes or bits of given requests that may differ from the recording. */

import { SETUP_BYTES } from '../../base/index.js';
import { HalError } from '../errors.js';

/** What of a transfer is ignored when it is compared. Every field that is given narrows which transfers it is for. */
export interface UsbReplayMask {
  /** With `ENDPOINT_IN`; endpoint 0 for control transfers of either direction. */
  readonly endpointAddress?: number;
  /** Control transfers with this `bmRequestType`, and this `bRequest`. */
  readonly bmRequestType?: number;
  readonly bRequest?: number;
  /** Where the ignored bytes are: the 8 bytes of the SETUP packet, or the data of an OUT transfer. */
  readonly in: 'setup' | 'data';
  /** First byte, and how many; to the end when `bytes` is absent. */
  readonly offset: number;
  readonly bytes?: number;
  /** Bits of each of these bytes that are ignored; all when absent. */
  readonly bits?: number;
}

/** Throws `HAL_INVALID` for a mask that can match nothing. */
export function checkMask(mask: UsbReplayMask): void {
  const { offset, bytes = 1, bits = 0xff } = mask;
  const isWhole = [offset, bytes, bits].every(Number.isInteger);
  const fits = offset >= 0 && bytes > 0 && bits > 0 && bits <= 0xff && (mask.in === 'data' || offset < SETUP_BYTES);
  if (isWhole && fits) return;
  throw new HalError(
    'HAL_INVALID',
    `a replay mask of ${mask.bytes ?? 'all'} bytes from ${offset}, bits ${bits}, masks nothing`,
    {
      hint: 'Give offset and bytes inside the SETUP packet (8 bytes) or the data, and bits from 1 to 255.',
    },
  );
}

/** Bits of byte `at` that count for the transfer with this endpoint and SETUP packet. */
export function countedBits(
  masks: readonly UsbReplayMask[],
  where: 'setup' | 'data',
  at: number,
  endpointAddress: number,
  setup: Uint8Array,
): number {
  let counted = 0xff;
  const isControl = (endpointAddress & 0x0f) === 0;
  for (const mask of masks) {
    if (mask.in !== where || at < mask.offset) continue;
    if (mask.bytes !== undefined && at >= mask.offset + mask.bytes) continue;
    if (mask.endpointAddress !== undefined && mask.endpointAddress !== (isControl ? 0 : endpointAddress)) continue;
    if (mask.bmRequestType !== undefined && (!isControl || mask.bmRequestType !== setup[0])) continue;
    if (mask.bRequest !== undefined && (!isControl || mask.bRequest !== setup[1])) continue;
    counted &= ~(mask.bits ?? 0xff);
  }
  return counted;
}
