/** A USB device for tests: bulk loopback, a source of interrupt packets, a sink, and requests that do as they are told. */

import { ENDPOINT_IN, TRANSFER_TYPE } from '../../base/index.js';
import { describeDevice } from './describe.js';
import { wIndex, wValue } from './setup-packet.js';
import { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from './usb-peripheral.js';
import type { UsbDescription, UsbSpeed } from './usb-port.js';

export const TEST_DEVICE = {
  vendorId: 0x1209,
  productId: 0x0001,
  loopIn: 0x81,
  loopOut: 0x02,
  /** Packets of two bytes, counting up; one becomes available with each `produce`. */
  eventIn: 0x83,
  /** Vendor requests. */
  echo: 0x01,
  /** Stalls endpoint `wIndex` until its halt is cleared. */
  stallEndpoint: 0x02,
  /** Stalls itself. */
  refuse: 0x03,
  /** Makes `wValue` packets available at `eventIn`. */
  produce: 0x04,
  /** A zero-length packet follows at `loopIn` behind what is there. */
  zeroPacket: 0x05,
} as const;

const LOOP_BYTES = 1 << 16;

export class TestPeripheral implements UsbPeripheral {
  readonly description: UsbDescription;
  configuration = 0;
  readonly #packetBytes: number;
  readonly #loop = new Uint8Array(LOOP_BYTES);
  readonly #halted = new Set<number>();
  #output: UsbPeripheralOutput | undefined;
  #start = 0;
  #length = 0;
  #zeroPackets = 0;
  #events = 0;
  #nextEvent = 0;
  #echo: Uint8Array = new Uint8Array(0);

  constructor(speed: UsbSpeed = 'full') {
    this.#packetBytes = speed === 'full' ? 64 : 512;
    const bulk = { type: TRANSFER_TYPE.bulk, maxPacketBytes: this.#packetBytes };
    const event = { type: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: speed === 'full' ? 4 : 6 };
    this.description = describeDevice({
      speed,
      vendorId: TEST_DEVICE.vendorId,
      productId: TEST_DEVICE.productId,
      manufacturer: 'Rigvisor',
      product: 'Loopback',
      serialNumber: 'TEST-1',
      interfaces: [
        {
          number: 0,
          interfaceClass: 0xff,
          endpoints: [
            { address: TEST_DEVICE.loopIn, ...bulk },
            { address: TEST_DEVICE.loopOut, ...bulk },
            { address: TEST_DEVICE.eventIn, ...event },
          ],
        },
      ],
    });
  }

  start(output: UsbPeripheralOutput): void {
    this.#output = output;
  }

  configured(configurationValue: number): void {
    this.configuration = configurationValue;
    this.#start = 0;
    this.#length = 0;
    this.#zeroPackets = 0;
    this.#events = 0;
    this.#halted.clear();
  }

  haltCleared(endpointAddress: number): void {
    this.#halted.delete(endpointAddress);
  }

  control(setup: Uint8Array, data: Uint8Array, length: number): number {
    switch (setup[1]) {
      case TEST_DEVICE.echo:
        return this.#answerEcho(setup, data, length);
      case TEST_DEVICE.stallEndpoint:
        this.#halted.add(wIndex(setup));
        this.#output?.ready(wIndex(setup));
        return HANDSHAKE.ack;
      case TEST_DEVICE.produce:
        this.produce(wValue(setup));
        return HANDSHAKE.ack;
      case TEST_DEVICE.zeroPacket:
        this.#zeroPackets++;
        this.#output?.ready(TEST_DEVICE.loopIn);
        return HANDSHAKE.ack;
      default:
        return HANDSHAKE.stall;
    }
  }

  /** Makes `count` more packets available at `eventIn`. */
  produce(count: number): void {
    this.#events += count;
    this.#output?.ready(TEST_DEVICE.eventIn);
  }

  out(endpointAddress: number, packet: Uint8Array, offset: number, length: number): number {
    if (this.#halted.has(endpointAddress)) return HANDSHAKE.stall;
    if (this.#length + length > LOOP_BYTES) return HANDSHAKE.nak;
    for (let i = 0; i < length; i++) this.#loop[(this.#start + this.#length + i) % LOOP_BYTES] = packet[offset + i];
    this.#length += length;
    this.#output?.ready(TEST_DEVICE.loopIn);
    return HANDSHAKE.ack;
  }

  in(endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number {
    if (this.#halted.has(endpointAddress)) return HANDSHAKE.stall;
    return endpointAddress === TEST_DEVICE.eventIn
      ? this.#event(packet, offset)
      : this.#loopBack(packet, offset, maxLength);
  }

  stop(): void {
    this.#output = undefined;
  }

  #event(packet: Uint8Array, offset: number): number {
    if (this.#events === 0) return HANDSHAKE.nak;
    this.#events--;
    packet[offset] = this.#nextEvent;
    packet[offset + 1] = this.#nextEvent >> 8;
    this.#nextEvent++;
    return 2;
  }

  #loopBack(packet: Uint8Array, offset: number, maxLength: number): number {
    if (this.#length === 0) {
      if (this.#zeroPackets === 0) return HANDSHAKE.nak;
      this.#zeroPackets--;
      return 0;
    }
    const count = Math.min(this.#length, maxLength);
    for (let i = 0; i < count; i++) packet[offset + i] = this.#loop[(this.#start + i) % LOOP_BYTES];
    this.#start = (this.#start + count) % LOOP_BYTES;
    this.#length -= count;
    this.#output?.ready(TEST_DEVICE.loopOut);
    return count;
  }

  #answerEcho(setup: Uint8Array, data: Uint8Array, length: number): number {
    if ((setup[0] & ENDPOINT_IN) === 0) {
      this.#echo = data.slice(0, length);
      return HANDSHAKE.ack;
    }
    const count = Math.min(length, this.#echo.length);
    data.set(this.#echo.subarray(0, count));
    return count;
  }
}
