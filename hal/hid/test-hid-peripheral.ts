/** A HID device for tests: what is written to it comes back as input, and its feature reports keep what they were told. */

import { TRANSFER_TYPE } from '../../base/index.js';
import { describeDevice } from '../usb/describe.js';
import { wValue } from '../usb/setup-packet.js';
import { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from '../usb/usb-peripheral.js';
import type { UsbDescription } from '../usb/usb-port.js';
import { HID_REQUEST, HID_REQUEST_IN, HID_REQUEST_OUT } from './hid-requests.js';
import { HID_REPORT_TYPE } from './report-ids.js';

export const TEST_HID = {
  vendorId: 0x1209,
  productId: 0x0002,
  input: 0x81,
  output: 0x02,
  usagePage: 0xff00,
  usage: 0x01,
  /** Bytes without an id, by id; 0 where reports are not numbered. Number 2 is longer than a packet. */
  lengths: new Map([
    [0, 8],
    [1, 8],
    [2, 100],
  ]),
  /** Feature report, by whether reports are numbered. */
  featureId: { numbered: 3, unnumbered: 0 },
  featureBytes: 16,
  packetBytes: 64,
} as const;

export interface TestHidOptions {
  readonly numbered: boolean;
  /** Without it, output reports come by SET_REPORT. */
  readonly withOutput: boolean;
}

const field = (item: number, bytes: number): number[] => [0x09, 0x01, 0x75, 0x08, 0x95, bytes, item, 0x02];

function reportDescriptor(numbered: boolean): Uint8Array {
  const lengths = [...TEST_HID.lengths].filter(([id]) => (id !== 0) === numbered);
  const id = (number: number): number[] => (numbered ? [0x85, number] : []);
  const loops = lengths.flatMap(([number, bytes]) => [...id(number), ...field(0x81, bytes), ...field(0x91, bytes)]);
  const feature = [...id(TEST_HID.featureId.numbered), ...field(0xb1, TEST_HID.featureBytes)];
  const head = [0x06, 0x00, 0xff, 0x09, TEST_HID.usage, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00];
  return Uint8Array.from([...head, ...loops, ...feature, 0xc0]);
}

export class TestHidPeripheral implements UsbPeripheral {
  readonly description: UsbDescription;
  /** Output reports as they crossed the wire. */
  readonly received: Uint8Array[] = [];
  /** Times SET_IDLE was refused. */
  idleRefused = 0;
  readonly #numbered: boolean;
  readonly #input: Uint8Array[] = [];
  #sent = 0;
  #partial: number[] = [];
  #feature: Uint8Array;
  #stalls = 0;
  #ready: UsbPeripheralOutput | undefined;

  constructor({ numbered, withOutput }: TestHidOptions) {
    this.#numbered = numbered;
    this.#feature = new Uint8Array(TEST_HID.featureBytes + (numbered ? 1 : 0));
    if (numbered) this.#feature[0] = TEST_HID.featureId.numbered;
    const endpoint = { type: TRANSFER_TYPE.interrupt, maxPacketBytes: TEST_HID.packetBytes, interval: 1 };
    const addresses = withOutput ? [TEST_HID.input, TEST_HID.output] : [TEST_HID.input];
    this.description = describeDevice({
      speed: 'full',
      vendorId: TEST_HID.vendorId,
      productId: TEST_HID.productId,
      manufacturer: 'Rigvisor',
      product: 'HID loopback',
      serialNumber: 'HID-1',
      interfaces: [
        {
          number: 0,
          interfaceClass: 3,
          report: reportDescriptor(numbered),
          endpoints: addresses.map((address) => ({ address, ...endpoint })),
        },
      ],
    });
  }

  start(output: UsbPeripheralOutput): void {
    this.#ready = output;
  }

  configured(): void {
    this.#input.length = 0;
    this.#sent = 0;
    this.#partial = [];
  }

  haltCleared(): void {
    this.#ready?.ready(TEST_HID.input);
  }

  /** Sends an input report, as it crosses the wire. */
  send(report: Uint8Array): void {
    this.#input.push(Uint8Array.from(report));
    this.#ready?.ready(TEST_HID.input);
  }

  /** The input endpoint stalls the next `count` times it is asked. */
  stall(count: number): void {
    this.#stalls = count;
    this.#ready?.ready(TEST_HID.input);
  }

  control(setup: Uint8Array, data: Uint8Array, length: number): number {
    const [id, type] = [wValue(setup) & 0xff, wValue(setup) >> 8];
    if (setup[0] === HID_REQUEST_OUT && setup[1] === HID_REQUEST.setIdle) {
      this.idleRefused++;
      return HANDSHAKE.stall;
    }
    const isFeature = type === HID_REPORT_TYPE.feature && id === this.#featureId;
    if (setup[0] === HID_REQUEST_OUT && setup[1] === HID_REQUEST.setReport) {
      if (type === HID_REPORT_TYPE.output) return this.#take(data.slice(0, length));
      if (!isFeature || length !== this.#feature.length) return HANDSHAKE.stall;
      this.#feature = data.slice(0, length);
      return HANDSHAKE.ack;
    }
    if (setup[0] !== HID_REQUEST_IN || setup[1] !== HID_REQUEST.getReport || !isFeature) return HANDSHAKE.stall;
    const count = Math.min(length, this.#feature.length);
    data.set(this.#feature.subarray(0, count));
    return count;
  }

  /** A report ends with a short packet, or when it is as long as its id says. */
  out(_endpointAddress: number, packet: Uint8Array, offset: number, length: number): number {
    for (let i = 0; i < length; i++) this.#partial.push(packet[offset + i]);
    if (length === TEST_HID.packetBytes && this.#partial.length < this.#bytesOf(this.#partial[0])) return HANDSHAKE.ack;
    return this.#take(Uint8Array.from(this.#partial.splice(0)));
  }

  in(endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number {
    if (this.#stalls > 0) {
      this.#stalls--;
      return HANDSHAKE.stall;
    }
    const [report] = this.#input;
    if (endpointAddress !== TEST_HID.input || report === undefined) return HANDSHAKE.nak;
    const count = Math.min(maxLength, report.length - this.#sent);
    for (let i = 0; i < count; i++) packet[offset + i] = report[this.#sent + i];
    this.#sent += count;
    if (this.#sent === report.length) {
      this.#input.shift();
      this.#sent = 0;
    }
    return count;
  }

  stop(): void {
    this.#ready = undefined;
  }

  get #featureId(): number {
    return this.#numbered ? TEST_HID.featureId.numbered : TEST_HID.featureId.unnumbered;
  }

  #bytesOf(id: number): number {
    return this.#numbered ? 1 + (TEST_HID.lengths.get(id) ?? 0) : (TEST_HID.lengths.get(0) ?? 0);
  }

  #take(report: Uint8Array): number {
    if (this.#numbered ? !TEST_HID.lengths.has(report[0]) : report.length === 0) return HANDSHAKE.stall;
    this.received.push(report);
    this.send(report);
    return HANDSHAKE.ack;
  }
}
