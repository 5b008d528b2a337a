/** Class requests of HID and where a HID interface has its endpoints (HID 1.11, sections 4.4 and 7.2). */

import { ENDPOINT_IN, TRANSFER_TYPE } from '../../base/index.js';
import { HalError } from '../errors.js';
import { parseConfiguration, type UsbEndpoint } from '../usb/descriptors.js';
import type { UsbDescription } from '../usb/usb-port.js';

/** `bRequest` (HID 1.11, section 7.2). */
export const HID_REQUEST = {
  getReport: 0x01,
  getIdle: 0x02,
  getProtocol: 0x03,
  setReport: 0x09,
  setIdle: 0x0a,
  setProtocol: 0x0b,
} as const;

/** `bmRequestType` of a class request to an interface, host to device. */
export const HID_REQUEST_OUT = 0x21;
export const HID_REQUEST_IN = HID_REQUEST_OUT | ENDPOINT_IN;

const CLASS_HID = 3;

/** A HID interface of a device's first configuration. */
export interface HidInterface {
  readonly configurationValue: number;
  readonly number: number;
  readonly input: UsbEndpoint;
  /** Without one, output reports go by SET_REPORT. */
  readonly output: UsbEndpoint | undefined;
}

/**
 * The HID interface `interfaceNumber`, the first one where that is left out. Throws `HAL_INVALID` when there is none, or
 * none with the interrupt IN endpoint that a HID interface has to have.
 */
export function findHidInterface(
  description: UsbDescription,
  where: string,
  interfaceNumber: number | undefined,
): HidInterface {
  const [bytes] = description.configurations;
  const refuse = (what: string): HalError => new HalError('HAL_INVALID', `${where} ${what}`, { where });
  if (bytes === undefined) throw refuse('has no configuration');
  const { value, interfaces } = parseConfiguration(bytes);
  for (const { number, alternates } of interfaces) {
    if (interfaceNumber !== undefined && number !== interfaceNumber) continue;
    const first = alternates.find(({ alternateSetting }) => alternateSetting === 0) ?? alternates[0];
    if (first.interfaceClass !== CLASS_HID) continue;
    const interrupts = first.endpoints.filter(({ transferType }) => transferType === TRANSFER_TYPE.interrupt);
    const input = interrupts.find(({ address }) => (address & ENDPOINT_IN) !== 0);
    if (input === undefined) throw refuse(`has no interrupt IN endpoint in its HID interface ${number}`);
    const output = interrupts.find(({ address }) => (address & ENDPOINT_IN) === 0);
    return { configurationValue: value, number, input, output };
  }
  throw refuse(`has no HID interface${interfaceNumber === undefined ? '' : ` ${interfaceNumber}`}`);
}
