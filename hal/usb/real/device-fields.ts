/** The fields of a `USBDevice` that do not change while it is plugged in. */

import type { UsbDeviceFields } from './protocol.js';
import type { UsbIdentity } from './usb-errors.js';

/** Ids are known from the start, the rest once the device has been opened: 0 and null before. */
export abstract class UsbFieldsView implements UsbDeviceFields {
  readonly identity: UsbIdentity;
  protected fields: UsbDeviceFields | undefined;

  constructor(identity: UsbIdentity) {
    this.identity = identity;
  }

  get vendorId(): number {
    return this.identity.vendorId;
  }

  get productId(): number {
    return this.identity.productId;
  }

  get usbVersionMajor(): number {
    return this.fields?.usbVersionMajor ?? 0;
  }

  get usbVersionMinor(): number {
    return this.fields?.usbVersionMinor ?? 0;
  }

  get usbVersionSubminor(): number {
    return this.fields?.usbVersionSubminor ?? 0;
  }

  get deviceVersionMajor(): number {
    return this.fields?.deviceVersionMajor ?? 0;
  }

  get deviceVersionMinor(): number {
    return this.fields?.deviceVersionMinor ?? 0;
  }

  get deviceVersionSubminor(): number {
    return this.fields?.deviceVersionSubminor ?? 0;
  }

  get deviceClass(): number {
    return this.fields?.deviceClass ?? 0;
  }

  get deviceSubclass(): number {
    return this.fields?.deviceSubclass ?? 0;
  }

  get deviceProtocol(): number {
    return this.fields?.deviceProtocol ?? 0;
  }

  get manufacturerName(): string | null {
    return this.fields?.manufacturerName ?? null;
  }

  get productName(): string | null {
    return this.fields?.productName ?? null;
  }

  get serialNumber(): string | null {
    return this.fields?.serialNumber ?? null;
  }
}
