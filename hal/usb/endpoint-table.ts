/** The endpoints a device has at present: those of the chosen configuration and alternate settings. */

import { TRANSFER_TYPE, type TransferType } from '../../base/index.js';
import {
  endpointIndex,
  parseConfiguration,
  type UsbAlternate,
  type UsbConfiguration,
  type UsbEndpoint,
} from './descriptors.js';
import { RECIPIENT, STANDARD_REQUEST, wIndex, wValue } from './setup-packet.js';
import type { UsbDescription } from './usb-port.js';

/** Follows SET_CONFIGURATION and SET_INTERFACE; looking an endpoint up allocates nothing. Throws `HAL_INVALID` for descriptors that are none. */
export class EndpointTable {
  readonly configurations: readonly UsbConfiguration[];
  readonly #endpoints: (UsbEndpoint | undefined)[] = new Array(32).fill(undefined);
  readonly #alternates = new Map<number, UsbAlternate>();
  #configuration: UsbConfiguration | undefined;

  constructor(description: UsbDescription) {
    this.configurations = description.configurations.map(parseConfiguration);
  }

  /** 0 while unconfigured. */
  get configurationValue(): number {
    return this.#configuration?.value ?? 0;
  }

  get configuration(): UsbConfiguration | undefined {
    return this.#configuration;
  }

  /** Alternate setting that an interface has; undefined for one that the configuration has not. */
  alternateOf(interfaceNumber: number): UsbAlternate | undefined {
    return this.#alternates.get(interfaceNumber);
  }

  find(address: number): UsbEndpoint | undefined {
    return this.#endpoints[endpointIndex(address)];
  }

  /** Control for endpoint 0; undefined for an endpoint that is not there. */
  typeOf(address: number): TransferType | undefined {
    if ((address & 0x0f) === 0) return TRANSFER_TYPE.control;
    return this.find(address)?.transferType;
  }

  /** False when there is no such configuration; then nothing has changed. */
  configure(value: number): boolean {
    const found = this.configurations.find((configuration) => configuration.value === value);
    if (value !== 0 && found === undefined) return false;
    this.#configuration = value === 0 ? undefined : found;
    this.#alternates.clear();
    for (const { number, alternates } of this.#configuration?.interfaces ?? []) {
      const first = alternates.find(({ alternateSetting }) => alternateSetting === 0) ?? alternates[0];
      this.#alternates.set(number, first);
    }
    this.#fill();
    return true;
  }

  /** False when the configuration has no such interface or setting. */
  setInterface(interfaceNumber: number, alternateSetting: number): boolean {
    const found = this.#configuration?.interfaces
      .find(({ number }) => number === interfaceNumber)
      ?.alternates.find((alternate) => alternate.alternateSetting === alternateSetting);
    if (found === undefined) return false;
    this.#alternates.set(interfaceNumber, found);
    this.#fill();
    return true;
  }

  /** Follows a control transfer that the device has accepted, as a bystander sees it. */
  accepted(setup: Uint8Array): void {
    if (setup[0] === RECIPIENT.device && setup[1] === STANDARD_REQUEST.setConfiguration)
      this.configure(wValue(setup) & 0xff);
    if (setup[0] === RECIPIENT.interface && setup[1] === STANDARD_REQUEST.setInterface)
      this.setInterface(wIndex(setup), wValue(setup));
  }

  #fill(): void {
    this.#endpoints.fill(undefined);
    for (const alternate of this.#alternates.values())
      for (const endpoint of alternate.endpoints) this.#endpoints[endpointIndex(endpoint.address)] = endpoint;
  }
}
