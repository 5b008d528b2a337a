/** What the operating system and the USB library say about a device, as a `HalError` with what to do about it. */

import { HalError, type HalErrorDetails } from '../../errors.js';
import { HostRequestError } from '../../host-process/host-process.js';
import { nativeModuleError } from '../../host-process/native-module.js';
import { hex4 } from './select-usb.js';
import { usbTrouble } from './usb-texts.js';

/** What an error names of the device. */
export interface UsbIdentity {
  /** As a person would name it: `usb:1-1.2`. */
  readonly where: string;
  readonly vendorId: number;
  readonly productId: number;
}

/** The library cancels what takes longer than its time-out; a message of ours says so where the time-out was ours. */
export const TIMED_OUT = 'RIGVISOR_TIMED_OUT';

const CABLE = 'Check the cable and open the device again when it is back.';

/** The udev rule that lets the person at the keyboard open a device by its ids (udev(7)). */
export function usbUdevRule(vendorId: number, productId: number): string {
  return `SUBSYSTEM=="usb", ATTR{idVendor}=="${hex4(vendorId)}", ATTR{idProduct}=="${hex4(productId)}", MODE="0660", GROUP="plugdev", TAG+="uaccess"`;
}

/** What to do about missing permission, with the rule to add. */
export function udevHint(rule: string): string {
  return `Write this line into /etc/udev/rules.d/70-rigvisor.rules: ${rule} and then run "sudo udevadm control --reload && sudo udevadm trigger".`;
}

/** `error`, met while doing `what` with the device, in the terms of the layer. What had arrived goes with it. */
export function usbError(error: unknown, device: UsbIdentity, what: string): HalError {
  if (error instanceof HalError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const { code, partial } = error instanceof HostRequestError ? error : { code: undefined, partial: undefined };
  const details: HalErrorDetails = {
    where: device.where,
    cause: error,
    ...(partial === undefined ? {} : { partial }),
  };
  const { where } = device;
  if (error instanceof HostRequestError && error.canceled)
    return new HalError('HAL_CLOSED', `${what}: ${where} is closed`, details);
  if (code === TIMED_OUT) return new HalError('HAL_TIMEOUT', `${where}: ${what} ${message}`, details);
  // The host process speaks in the terms of the layer where it knows them.
  if (code?.startsWith('HAL_')) return new HalError(code as HalError['code'], message, details);
  const unloaded = nativeModuleError(message, 'usb', 'access to USB devices', error);
  if (unloaded !== undefined) return unloaded;
  switch (usbTrouble(message)) {
    case 'stall':
      return new HalError('HAL_STALL', `${where}: ${what}: the device stalled`, details);
    case 'cancelled':
      return new HalError('HAL_TIMEOUT', `${where}: ${what} took too long and was cancelled`, details);
    case 'disconnected':
      return new HalError('HAL_DISCONNECTED', `${where} is gone`, { ...details, hint: CABLE });
    case 'fault':
      return new HalError('HAL_IO', `${where}: ${what}: fault on the bus`, {
        ...details,
        hint: 'Check the cable and the hub; a device that sends more than was asked for shows this too.',
      });
    case 'denied':
      return new HalError('HAL_DENIED', `the operating system refuses access to ${where}`, {
        ...details,
        hint: udevHint(usbUdevRule(device.vendorId, device.productId)),
      });
    case 'busy':
      return new HalError('HAL_IN_USE', `${where}: ${what}: another program or driver has it`, {
        ...details,
        hint: 'End the program that has it open.',
      });
    case 'not-open':
      return new HalError('HAL_CLOSED', `${what}: ${where} is closed`, details);
    case 'no-endpoint':
    case 'no-interface':
    case 'no-configuration':
      return new HalError('HAL_INVALID', `${where}: ${message}`, details);
    case 'unsupported':
      return new HalError('HAL_UNSUPPORTED', `${where}: ${what} is not supported`, details);
    case 'other':
      return new HalError('HAL_IO', `${where}: ${what} failed: ${message}`, details);
  }
}
