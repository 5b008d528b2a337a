/** What the operating system and the HID library say about a device, as a `HalError` with what to do about it. */

import { HalError, type HalErrorCode } from '../../errors.js';
import { HostRequestError } from '../../host-process/host-process.js';
import { nativeModuleError } from '../../host-process/native-module.js';
import { hex4 } from '../../usb/real/select-usb.js';
import { udevHint } from '../../usb/real/usb-errors.js';

export interface HidIdentity {
  /** As a person would name it: `/dev/hidraw0`. */
  readonly where: string;
  readonly vendorId: number;
  readonly productId: number;
}

/**
 * The udev rule for a HID device: it belongs to the hidraw node, not to the USB device. The ids are those of the USB device
 * above it (udev(7), ATTRS).
 */
export function hidUdevRule(vendorId: number, productId: number): string {
  return `KERNEL=="hidraw*", ATTRS{idVendor}=="${hex4(vendorId)}", ATTRS{idProduct}=="${hex4(productId)}", MODE="0660", GROUP="plugdev", TAG+="uaccess"`;
}

type Meaning = readonly [
  pattern: RegExp,
  code: HalErrorCode,
  sentence: (where: string, what: string) => string,
  hint?: string,
];

const MEANINGS: readonly Meaning[] = [
  [
    /device or resource busy|sharing violation/i,
    'HAL_IN_USE',
    (where) => `${where} is in use`,
    'End the program that has it open.',
  ],
  [
    /no such device|input\/output error|disconnected|device not configured|bad file descriptor|no such file/i,
    'HAL_DISCONNECTED',
    (where) => `${where} is gone`,
    'Check the cable and open the device again when it is back.',
  ],
  [/broken pipe|stall/i, 'HAL_STALL', (where, what) => `${where}: ${what}: the device refused the report`],
  [/timed out|timeout/i, 'HAL_TIMEOUT', (where, what) => `${where}: ${what}: the device did not answer in time`],
  [/closed/i, 'HAL_CLOSED', (where, what) => `${what}: ${where} is closed`],
  [
    /invalid argument|cannot be zero|message too long/i,
    'HAL_INVALID',
    (where, what) => `${where}: ${what}: the device has no such report`,
  ],
  [/not supported|not implemented/i, 'HAL_UNSUPPORTED', (where, what) => `${where}: ${what} is not supported`],
];

/** `error`, met while doing `what` with the device, in the terms of the layer. */
export function hidError(error: unknown, device: HidIdentity, what: string): HalError {
  if (error instanceof HalError) return error;
  const { where, vendorId, productId } = device;
  const message = error instanceof Error ? error.message : String(error);
  const details = { where, cause: error };
  const code = error instanceof HostRequestError ? error.code : undefined;
  if (code?.startsWith('HAL_')) return new HalError(code as HalErrorCode, message, details);
  const unloaded = nativeModuleError(message, 'node-hid', 'access to HID devices', error);
  if (unloaded !== undefined) return unloaded;
  if (/permission denied|operation not permitted|access is denied/i.test(message))
    return new HalError('HAL_DENIED', `the operating system refuses access to ${where}`, {
      ...details,
      hint: udevHint(hidUdevRule(vendorId, productId)),
    });
  if (what === 'open' && /no such (file|device)/i.test(message))
    return new HalError('HAL_NOT_FOUND', `there is no HID device ${where}`, details);
  for (const [pattern, meant, sentence, hint] of MEANINGS)
    if (pattern.test(message))
      return new HalError(meant, sentence(where, what), { ...details, ...(hint === undefined ? {} : { hint }) });
  return new HalError('HAL_IO', `${where}: ${what} failed: ${message}`, details);
}
