/** What a first look at a capture tells of the devices on it: descriptors that were read, and endpoints that were used. */

import { parseConfiguration, type UsbInterface } from '../../../usb/descriptors.js';
import { TRANSFER_TYPE, type TransferType, type UsbDescription } from '../../../usb/usb-port.js';
import { descriptionOf, type LearnedDescriptors, learnDescriptor } from '../../usb-device-table.js';
import type { ControlTransfer } from './usb-control-decoder.js';
import type { UsbWireSpeed } from './usb-line-decoder.js';
import type { UsbTransaction } from './usb-transaction-decoder.js';

export interface EndpointKnowledge {
  readonly type: TransferType;
  readonly maxPacketSize: number;
  /** Polling interval of its descriptor, 0 when guessed. */
  readonly interval: number;
  /** From the configuration descriptor; otherwise a guess from how it was used. */
  readonly known: boolean;
}

/** An endpoint asked again sooner is none that is polled once a frame. */
const POLLED_SECONDS = 0.0009;

/** The longest packets of interrupt endpoints (USB 2.0, section 5.7.3). */
const LONGEST_POLLED: Readonly<Record<UsbWireSpeed, number>> = { full: 64, low: 8 };

/** How an endpoint was used. */
interface EndpointUse {
  lastSample: number;
  leastGap: number;
  longest: number;
}

/** Gathers what is known of one device. Bounded: 32 endpoints, and as many descriptors as `learnDescriptor` keeps. */
export class UsbDeviceKnowledge implements LearnedDescriptors {
  readonly address: number;
  descriptor: Uint8Array | undefined;
  readonly configurations = new Map<number, Uint8Array>();
  readonly strings = new Map<number, string>();
  readonly reports = new Map<number, Uint8Array>();
  readonly #uses = new Map<number, EndpointUse>();
  readonly #samplesPerSecond: number;

  constructor(address: number, samplesPerSecond: number) {
    this.address = address;
    this.#samplesPerSecond = samplesPerSecond;
  }

  /** A control transfer that succeeded. */
  learn(transfer: ControlTransfer): void {
    learnDescriptor(this, transfer.setup, transfer.data.slice(0, transfer.length));
  }

  use(transaction: UsbTransaction): void {
    let use = this.#uses.get(transaction.endpointAddress);
    if (use === undefined) {
      use = { lastSample: Number.NEGATIVE_INFINITY, leastGap: Number.POSITIVE_INFINITY, longest: 0 };
      this.#uses.set(transaction.endpointAddress, use);
    }
    use.leastGap = Math.min(use.leastGap, transaction.startSample - use.lastSample);
    use.lastSample = transaction.startSample;
    use.longest = Math.max(use.longest, transaction.length);
  }

  /** Every endpoint that was used or described, but for the default control endpoint. */
  endpoints(speed: UsbWireSpeed): ReadonlyMap<number, EndpointKnowledge> {
    const found = new Map<number, EndpointKnowledge>();
    for (const bytes of this.configurations.values())
      for (const [address, endpoint] of describedEndpoints(bytes))
        if (!found.has(address)) found.set(address, endpoint);
    for (const [address, use] of this.#uses) {
      if ((address & 0x0f) === 0 || found.has(address)) continue;
      const polled = speed === 'low' || use.leastGap > this.#samplesPerSecond * POLLED_SECONDS;
      found.set(address, {
        type: polled ? TRANSFER_TYPE.interrupt : TRANSFER_TYPE.bulk,
        maxPacketSize: polled ? LONGEST_POLLED[speed] : packetSize(use.longest),
        interval: 0,
        known: false,
      });
    }
    return found;
  }

  /** The snapshot, as far as the capture tells; undefined when the device descriptor was not read in it. */
  description(speed: UsbWireSpeed): UsbDescription | undefined {
    return descriptionOf(this, speed);
  }
}

/** The endpoints of a configuration, of the first alternate setting that has each; none where it is damaged. */
function* describedEndpoints(bytes: Uint8Array): Generator<[number, EndpointKnowledge]> {
  let interfaces: readonly UsbInterface[] = [];
  try {
    ({ interfaces } = parseConfiguration(bytes));
  } catch {
    return;
  }
  for (const { alternates } of interfaces)
    for (const { endpoints } of alternates)
      for (const { address, transferType, maxPacketBytes, interval } of endpoints)
        yield [address, { type: transferType, maxPacketSize: Math.max(1, maxPacketBytes), interval, known: true }];
}

/** The least size a bulk endpoint may have that holds `longest` bytes (USB 2.0, section 5.8.3). */
function packetSize(longest: number): number {
  return [8, 16, 32, 64].find((size) => longest <= size) ?? 64;
}

/** As `endpoints`, for an endpoint that only later parts of a capture use. */
export function assumedEndpoint(speed: UsbWireSpeed): EndpointKnowledge {
  return { type: TRANSFER_TYPE.interrupt, maxPacketSize: LONGEST_POLLED[speed], interval: 0, known: false };
}
