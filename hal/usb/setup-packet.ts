/** The eight bytes of a SETUP packet and what stands in them (USB 2.0, section 9.3). */

import { SETUP_BYTES } from '../../base/index.js';

/** `bRequest` of the standard requests (USB 2.0, table 9-4). */
export const STANDARD_REQUEST = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  setAddress: 5,
  getDescriptor: 6,
  setDescriptor: 7,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
  synchFrame: 12,
} as const;

/** Bits 5 and 6 of `bmRequestType` (USB 2.0, table 9-2). */
export const REQUEST_TYPE = { standard: 0x00, class: 0x20, vendor: 0x40, mask: 0x60 } as const;

/** Bits 0 to 4 of `bmRequestType` (USB 2.0, table 9-2). */
export const RECIPIENT = { device: 0, interface: 1, endpoint: 2, other: 3, mask: 0x1f } as const;

/** Feature selectors (USB 2.0, table 9-6). */
export const FEATURE = { endpointHalt: 0, deviceRemoteWakeup: 1 } as const;

/** The fields by their names in the standard. */
export interface SetupFields {
  readonly bmRequestType: number;
  readonly bRequest: number;
  readonly wValue: number;
  readonly wIndex: number;
  readonly wLength: number;
}

/** Writes the fields into `setup`, little-endian. */
export function encodeSetup(setup: Uint8Array, fields: SetupFields): void {
  setup[0] = fields.bmRequestType;
  setup[1] = fields.bRequest;
  setup[2] = fields.wValue;
  setup[3] = fields.wValue >> 8;
  setup[4] = fields.wIndex;
  setup[5] = fields.wIndex >> 8;
  setup[6] = fields.wLength;
  setup[7] = fields.wLength >> 8;
}

/** A SETUP packet of its own. */
export function setupPacket(fields: SetupFields): Uint8Array {
  const setup = new Uint8Array(SETUP_BYTES);
  encodeSetup(setup, fields);
  return setup;
}

export function decodeSetup(setup: Uint8Array): SetupFields {
  return {
    bmRequestType: setup[0],
    bRequest: setup[1],
    wValue: wValue(setup),
    wIndex: wIndex(setup),
    wLength: wLength(setup),
  };
}

export function wValue(setup: Uint8Array): number {
  return setup[2] | (setup[3] << 8);
}

export function wIndex(setup: Uint8Array): number {
  return setup[4] | (setup[5] << 8);
}

export function wLength(setup: Uint8Array): number {
  return setup[6] | (setup[7] << 8);
}

/** Whether `bmRequestType` names a standard request. */
export function isStandard(setup: Uint8Array): boolean {
  return (setup[0] & REQUEST_TYPE.mask) === REQUEST_TYPE.standard;
}
