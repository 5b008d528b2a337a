/** A USB device in the tests of guests: it answers standard requests itself and leaves everything else to a script. */

import { type Clock, ENDPOINT_IN, Timer, URB_STATUS, type Urb } from '../../../base/index.js';
import type { UrbAcquisition } from '../../machine/acquisition.js';
import { URB_SPEED, type UrbBackend } from '../urb-seam.js';

const CONTROL_NS = 1_000_000;
const REQUEST = { getDescriptor: 6, setConfiguration: 9, clearFeature: 1 } as const;

/** What a device does beyond standard requests. */
export interface UsbScript {
  readonly deviceDescriptor: readonly number[];
  readonly configurationDescriptor: readonly number[];
  /** A class or vendor request; OUT: `data` holds what came. Answers IN data or a status below 0. */
  control(setup: Uint8Array, data: Uint8Array): readonly number[] | number;
  /** A transfer waits on another endpoint; called whenever one begins to. */
  transfer(endpointAddress: number): void;
  /** It was plugged in, or pulled. */
  power(on: boolean): void;
  haltCleared(endpointAddress: number): void;
}

/** Executes the URBs of one guest. Transfers of an endpoint wait in its queue until the script completes them. */
export class ScriptedUsb implements UrbBackend {
  /** Requests in the order in which they came, as `bmRequestType bRequest` in hexadecimal. */
  readonly requests: string[] = [];
  /** Bytes that the guest was given on other endpoints than 0. */
  delivered = 0;
  /** How so many of the next control requests end; `undefined`: not at all, until the guest takes them back. */
  readonly controlFaults: (number | undefined)[] = [];
  /** Endpoints that answer STALL. */
  readonly halted = new Set<number>();
  readonly #clock: Clock;
  readonly #port: UrbAcquisition;
  readonly #script: UsbScript;
  readonly #queues = new Map<number, Urb[]>();
  readonly #control = new Timer(() => this.#serveControl());
  #devid = 0x1_0001;
  #plugged = false;
  #swallowed: Urb | undefined;

  constructor(clock: Clock, port: UrbAcquisition, script: UsbScript) {
    this.#clock = clock;
    this.#port = port;
    this.#script = script;
    port.frontend.attach(this);
  }

  plug(): void {
    this.#plugged = true;
    this.#script.power(true);
    this.#port.frontend.plugged({ speed: URB_SPEED.full, devid: ++this.#devid });
  }

  /** Everything in flight ends with -ESHUTDOWN. */
  unplug(): void {
    this.#plugged = false;
    this.#swallowed = undefined;
    this.halted.clear();
    this.#script.power(false);
    for (const queue of this.#queues.values()) {
      while (queue.length > 0) this.#end(queue, URB_STATUS.shutdown, 0);
    }
    this.#port.frontend.plugged(undefined);
  }

  submit(urb: Urb): void {
    const address = urb.endpointAddress & 0x8f;
    const queue = this.#queue((address & 15) === 0 ? 0 : address);
    queue.push(urb);
    if (!this.#plugged) this.#end(queue, URB_STATUS.noDevice, 0, urb);
    else if ((address & 15) !== 0) this.#begin(address, queue);
    else if (!this.#control.armed) this.#clock.schedule(this.#control, this.#clock.now() + CONTROL_NS);
  }

  cancel(urb: Urb): void {
    for (const queue of this.#queues.values()) {
      if (queue.includes(urb)) this.#end(queue, URB_STATUS.killed, 0, urb);
    }
    if (urb === this.#swallowed) this.#swallowed = undefined;
  }

  /** The oldest transfer that waits there. */
  waiting(endpointAddress: number): Urb | undefined {
    return this.#queue(endpointAddress)[0];
  }

  /** Ends the oldest transfer of an endpoint with the bytes of `source`. */
  complete(endpointAddress: number, status: number, source: Uint8Array = new Uint8Array(0)): void {
    const [urb] = this.#queue(endpointAddress);
    if (urb.inbound) urb.data.set(source);
    this.#end(this.#queue(endpointAddress), status, urb.inbound ? source.length : urb.length);
    this.#port.flush();
  }

  /** Every transfer of that endpoint ends with STALL until the guest clears the halt. */
  halt(endpointAddress: number): void {
    this.halted.add(endpointAddress);
    while (this.waiting(endpointAddress) !== undefined) this.complete(endpointAddress, URB_STATUS.stall);
  }

  #queue(address: number): Urb[] {
    const known = this.#queues.get(address);
    if (known !== undefined) return known;
    const queue: Urb[] = [];
    this.#queues.set(address, queue);
    return queue;
  }

  #begin(address: number, queue: Urb[]): void {
    if (this.halted.has(address)) this.#end(queue, URB_STATUS.stall, 0, queue.at(-1));
    else this.#script.transfer(address);
  }

  #end(queue: Urb[], status: number, actual: number, urb = queue[0]): void {
    queue.splice(queue.indexOf(urb), 1);
    urb.status = status;
    urb.actualLength = actual;
    if (urb.inbound && (urb.endpointAddress & 15) !== 0) this.delivered += actual;
    this.#port.frontend.completed(urb);
  }

  #serveControl(): void {
    const queue = this.#queue(0);
    const urb = queue[0];
    if (urb === undefined) return;
    if (this.controlFaults.length > 0 && this.controlFaults[0] === undefined) {
      // It stays in the queue, and everything behind it.
      this.#swallowed = urb;
      this.controlFaults.shift();
    }
    if (urb === this.#swallowed) return;
    const { setup } = urb;
    this.requests.push(`${hex(setup[0])} ${hex(setup[1])}`);
    const answer = this.controlFaults.shift() ?? this.#answer(setup, urb.data.subarray(0, urb.length));
    if (typeof answer === 'number') {
      this.#end(queue, answer, 0);
    } else if ((setup[0] & ENDPOINT_IN) !== 0) {
      const bytes = answer.slice(0, urb.length);
      urb.data.set(bytes);
      this.#end(queue, URB_STATUS.ok, bytes.length);
    } else {
      this.#end(queue, URB_STATUS.ok, urb.length);
    }
    this.#port.flush();
    if (queue.length > 0) this.#clock.schedule(this.#control, this.#clock.now() + CONTROL_NS);
  }

  #answer(setup: Uint8Array, data: Uint8Array): readonly number[] | number {
    const [type, request, , kind] = setup;
    if ((type & 0x60) !== 0) return this.#script.control(setup, data);
    if (request === REQUEST.getDescriptor && kind === 1) return this.#script.deviceDescriptor;
    if (request === REQUEST.getDescriptor && kind === 2) return this.#script.configurationDescriptor;
    if (request === REQUEST.setConfiguration) return [];
    if (request !== REQUEST.clearFeature) return URB_STATUS.stall;
    this.halted.delete(setup[4]);
    this.#script.haltCleared(setup[4]);
    return [];
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** A device descriptor (USB 2.0, table 9-8) with 64-byte packets on endpoint 0, or 8. */
export function deviceDescriptor(vendor: number, product: number, packet = 64): number[] {
  const identity = [vendor & 0xff, vendor >> 8, product & 0xff, product >> 8];
  return [18, 1, 0x00, 0x02, 0, 0, 0, packet, ...identity, 0x00, 0x01, 0, 0, 0, 1];
}

/** A configuration with one interface, whose class descriptors stand behind it (tables 9-10 and 9-12). */
export function configurationDescriptor(interfaceClass: number, rest: readonly number[], endpoints: number): number[] {
  const length = 18 + rest.length;
  const configuration = [9, 2, length & 0xff, length >> 8, 1, 1, 0, 0x80, 50];
  return [...configuration, 9, 4, 0, 0, endpoints, interfaceClass, 0, 0, 0, ...rest];
}
