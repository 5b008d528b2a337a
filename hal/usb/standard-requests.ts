/** The standard requests, answered from a description and the state they change (USB 2.0, section 9.4). */

import { ENDPOINT_IN } from '../../base/index.js';
import { stringDescriptor } from './describe.js';
import { DESCRIPTOR, endpointIndex } from './descriptors.js';
import { EndpointTable } from './endpoint-table.js';
import { FEATURE, isStandard, RECIPIENT, STANDARD_REQUEST, wIndex, wLength, wValue } from './setup-packet.js';
import { HANDSHAKE } from './usb-peripheral.js';
import type { UsbDescription } from './usb-port.js';

/** The request is for the function: class, vendor, or one this page does not know and the device may. */
export const NOT_STANDARD = -3;

/** What a request changed. */
export interface RequestEffects {
  configured(value: number): void;
  alternate?(interfaceNumber: number, alternateSetting: number): void;
  /** SET_FEATURE(ENDPOINT_HALT). */
  halted?(endpointAddress: number): void;
  haltCleared?(endpointAddress: number): void;
}

/** Answers requests of the forms in USB 2.0, table 9-3, and stalls every other one (section 9.2.7). */
export class StandardRequests {
  readonly table: EndpointTable;
  readonly #description: UsbDescription;
  readonly #effects: RequestEffects;
  /** Bit `endpointIndex` of a halted endpoint. */
  #halted = 0;
  #remoteWakeup = false;

  constructor(description: UsbDescription, effects: RequestEffects) {
    this.#description = description;
    this.#effects = effects;
    this.table = new EndpointTable(description);
  }

  /** After a bus reset: unconfigured, nothing halted. */
  reset(): void {
    this.table.configure(0);
    this.#halted = 0;
    this.#remoteWakeup = false;
    this.#effects.configured(0);
  }

  isHalted(endpointAddress: number): boolean {
    return (this.#halted & (1 << endpointIndex(endpointAddress))) !== 0;
  }

  halt(endpointAddress: number): void {
    this.#halted |= 1 << endpointIndex(endpointAddress);
  }

  /**
   * Answers how many bytes it put into `data` (at most `wLength`; 0 for a request without data), `HANDSHAKE.stall`, or
   * `NOT_STANDARD`.
   */
  answer(setup: Uint8Array, data: Uint8Array): number {
    if (!isStandard(setup)) return NOT_STANDARD;
    const inbound = (setup[0] & ENDPOINT_IN) !== 0;
    return inbound ? this.#get(setup, data) : this.#set(setup);
  }

  #get(setup: Uint8Array, data: Uint8Array): number {
    switch (setup[1]) {
      case STANDARD_REQUEST.getDescriptor:
        return this.#getDescriptor(setup, data);
      case STANDARD_REQUEST.getStatus:
        return this.#getStatus(setup, data);
      case STANDARD_REQUEST.getConfiguration:
        return recipientOf(setup) === RECIPIENT.device
          ? put(Uint8Array.of(this.table.configurationValue), setup, data)
          : HANDSHAKE.stall;
      case STANDARD_REQUEST.getInterface:
        return this.#getInterface(setup, data);
      default:
        return HANDSHAKE.stall;
    }
  }

  #set(setup: Uint8Array): number {
    switch (setup[1]) {
      case STANDARD_REQUEST.setAddress:
        return recipientOf(setup) === RECIPIENT.device ? HANDSHAKE.ack : HANDSHAKE.stall;
      case STANDARD_REQUEST.setConfiguration:
        return this.#setConfiguration(setup);
      case STANDARD_REQUEST.setInterface:
        return this.#setInterface(setup);
      case STANDARD_REQUEST.clearFeature:
        return this.#feature(setup, false);
      case STANDARD_REQUEST.setFeature:
        return this.#feature(setup, true);
      default:
        return HANDSHAKE.stall;
    }
  }

  #getDescriptor(setup: Uint8Array, data: Uint8Array): number {
    const found = this.#descriptor(recipientOf(setup), setup[3], setup[2], wIndex(setup));
    return found === undefined ? HANDSHAKE.stall : put(found, setup, data);
  }

  #descriptor(recipient: number, type: number, index: number, about: number): Uint8Array | undefined {
    const { device, configurations, strings, reports } = this.#description;
    if (recipient === RECIPIENT.interface) {
      if (type === DESCRIPTOR.hidReport) return index === 0 ? reports.get(about) : undefined;
      if (type !== DESCRIPTOR.hid) return undefined;
      return this.table.alternateOf(about)?.extra.find((extra) => extra[1] === DESCRIPTOR.hid);
    }
    if (recipient !== RECIPIENT.device) return undefined;
    if (type === DESCRIPTOR.device) return device;
    if (type === DESCRIPTOR.configuration) return configurations[index];
    if (type === DESCRIPTOR.string) return stringDescriptor(strings, index);
    return undefined;
  }

  #getStatus(setup: Uint8Array, data: Uint8Array): number {
    const recipient = recipientOf(setup);
    if (recipient === RECIPIENT.endpoint) {
      const address = wIndex(setup);
      if ((address & 0x0f) !== 0 && this.table.find(address) === undefined) return HANDSHAKE.stall;
      return put(Uint8Array.of(this.isHalted(address) ? 1 : 0, 0), setup, data);
    }
    if (recipient === RECIPIENT.interface)
      return this.table.alternateOf(wIndex(setup)) === undefined
        ? HANDSHAKE.stall
        : put(new Uint8Array(2), setup, data);
    if (recipient !== RECIPIENT.device) return HANDSHAKE.stall;
    const selfPowered = ((this.table.configuration?.attributes ?? 0) >> 6) & 1;
    return put(Uint8Array.of(selfPowered | (this.#remoteWakeup ? 2 : 0), 0), setup, data);
  }

  #getInterface(setup: Uint8Array, data: Uint8Array): number {
    const isInterface = recipientOf(setup) === RECIPIENT.interface;
    const alternate = isInterface ? this.table.alternateOf(wIndex(setup)) : undefined;
    return alternate === undefined ? HANDSHAKE.stall : put(Uint8Array.of(alternate.alternateSetting), setup, data);
  }

  #setConfiguration(setup: Uint8Array): number {
    const value = wValue(setup) & 0xff;
    if (recipientOf(setup) !== RECIPIENT.device || !this.table.configure(value)) return HANDSHAKE.stall;
    this.#halted = 0;
    this.#effects.configured(value);
    return HANDSHAKE.ack;
  }

  #setInterface(setup: Uint8Array): number {
    const interfaceNumber = wIndex(setup);
    const alternateSetting = wValue(setup);
    if (recipientOf(setup) !== RECIPIENT.interface) return HANDSHAKE.stall;
    if (!this.table.setInterface(interfaceNumber, alternateSetting)) return HANDSHAKE.stall;
    for (const { address } of this.table.alternateOf(interfaceNumber)?.endpoints ?? [])
      this.#halted &= ~(1 << endpointIndex(address));
    this.#effects.alternate?.(interfaceNumber, alternateSetting);
    return HANDSHAKE.ack;
  }

  #feature(setup: Uint8Array, set: boolean): number {
    const recipient = recipientOf(setup);
    if (recipient === RECIPIENT.device && wValue(setup) === FEATURE.deviceRemoteWakeup) {
      this.#remoteWakeup = set;
      return HANDSHAKE.ack;
    }
    if (recipient !== RECIPIENT.endpoint || wValue(setup) !== FEATURE.endpointHalt) return HANDSHAKE.stall;
    const address = wIndex(setup) & 0xff;
    if ((address & 0x0f) === 0) return HANDSHAKE.ack;
    if (this.table.find(address) === undefined) return HANDSHAKE.stall;
    if (set) {
      this.halt(address);
      this.#effects.halted?.(address);
      return HANDSHAKE.ack;
    }
    this.#halted &= ~(1 << endpointIndex(address));
    this.#effects.haltCleared?.(address);
    return HANDSHAKE.ack;
  }
}

function recipientOf(setup: Uint8Array): number {
  return setup[0] & RECIPIENT.mask;
}

function put(bytes: Uint8Array, setup: Uint8Array, data: Uint8Array): number {
  const count = Math.min(bytes.length, wLength(setup), data.length);
  for (let i = 0; i < count; i++) data[i] = bytes[i];
  return count;
}
