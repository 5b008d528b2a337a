/** Any simulated serial device as a USB device of the communication class, which every operating system has a driver for (CDC 1.2, PSTN 1.2). */

import { type Clock, ENDPOINT_IN, TRANSFER_TYPE } from '../../../base/index.js';
import type { SerialDevice } from '../../serial/serial-device.js';
import { LINE_STATUS, type LineSettings, MODEM_CONTROL, MODEM_STATUS } from '../../serial/serial-port.js';
import { describeDevice } from '../../usb/describe.js';
import { EndpointFifo } from '../../usb/endpoint-fifo.js';
import { wValue } from '../../usb/setup-packet.js';
import { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from '../../usb/usb-peripheral.js';
import type { UsbDescription } from '../../usb/usb-port.js';

const NOTIFICATION_ENDPOINT = 0x82;
const DATA_IN_ENDPOINT = 0x81;
const DATA_OUT_ENDPOINT = 0x01;
const PACKET_BYTES = 64;
const NOTIFICATION_BYTES = 10;

/** Class requests (PSTN 1.2, table 13). */
const REQUEST = { setLineCoding: 0x20, getLineCoding: 0x21, setControlLineState: 0x22, sendBreak: 0x23 } as const;
const CLASS_INTERFACE = 0x21;
/** SERIAL_STATE notification (PSTN 1.2, section 6.5.4). */
const SERIAL_STATE = 0x20;
const LINE_CODING_BYTES = 7;
/** `bCharFormat` and `bParityType` are places in these (PSTN 1.2, table 17). */
const STOP_BITS: readonly LineSettings['stopBits'][] = [1, 1.5, 2];
const PARITIES: readonly LineSettings['parity'][] = ['none', 'odd', 'even', 'mark', 'space'];
/** What the device's own buffer holds while nobody reads. */
const DEFAULT_FIFO_BYTES = 65_536;

export interface CdcAcmOptions {
  readonly clock: Clock;
  readonly device: SerialDevice;
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serialNumber?: string;
  /** Bytes that wait for the host; more are lost and counted. 65,536 when absent. */
  readonly fifoBytes?: number;
}

export interface CdcAcmPeripheral extends UsbPeripheral {
  /** Bytes the device sent that found no room, since it was made. */
  readonly overrun: number;
}

function lineCoding({ baudRate, stopBits, parity, dataBits }: LineSettings): Uint8Array {
  const bytes = new Uint8Array(LINE_CODING_BYTES);
  new DataView(bytes.buffer).setUint32(0, Math.round(baudRate), true);
  bytes.set([STOP_BITS.indexOf(stopBits), PARITIES.indexOf(parity), dataBits], 4);
  return bytes;
}

function describe(options: CdcAcmOptions): UsbDescription {
  const bulk = { type: TRANSFER_TYPE.bulk, maxPacketBytes: PACKET_BYTES };
  return describeDevice({
    speed: 'full',
    deviceClass: 2,
    vendorId: options.vendorId,
    productId: options.productId,
    manufacturer: options.manufacturer ?? 'Rigvisor',
    product: options.product ?? 'Simulated serial device',
    serialNumber: options.serialNumber ?? '1',
    interfaces: [
      {
        number: 0,
        interfaceClass: 2,
        interfaceSubclass: 2,
        interfaceProtocol: 1,
        extra: [
          // Header 1.20, call management by the host over interface 1, ACM with line coding and break, union of 0 and 1.
          Uint8Array.of(5, 0x24, 0x00, 0x20, 0x01),
          Uint8Array.of(5, 0x24, 0x01, 0x00, 0x01),
          Uint8Array.of(4, 0x24, 0x02, 0x06),
          Uint8Array.of(5, 0x24, 0x06, 0x00, 0x01),
        ],
        endpoints: [
          { address: NOTIFICATION_ENDPOINT, type: TRANSFER_TYPE.interrupt, maxPacketBytes: 16, interval: 16 },
        ],
      },
      {
        number: 1,
        interfaceClass: 0x0a,
        endpoints: [
          { address: DATA_IN_ENDPOINT, ...bulk },
          { address: DATA_OUT_ENDPOINT, ...bulk },
        ],
      },
    ],
  });
}

class CdcAcm implements CdcAcmPeripheral {
  readonly description: UsbDescription;
  readonly #device: SerialDevice;
  readonly #fifo: EndpointFifo;
  readonly #lineCoding: Uint8Array;
  /** Lost before the FIFO was emptied last. */
  #lost = 0;
  #modemStatus = 0;
  #toldStatus = -1;
  #break = false;
  #dtr = false;
  /** The last packet was full: a host waits for a short one. */
  #owesShort = false;
  #running = false;

  constructor(options: CdcAcmOptions) {
    this.description = describe(options);
    this.#device = options.device;
    this.#fifo = new EndpointFifo(options.fifoBytes ?? DEFAULT_FIFO_BYTES);
    this.#lineCoding = lineCoding(options.device.line);
  }

  get overrun(): number {
    return this.#lost + this.#fifo.overrun;
  }

  start(output: UsbPeripheralOutput): void {
    const fifo = this.#fifo;
    this.#running = true;
    this.#device.start({
      transmit: (bytes, offset, length) => {
        for (let i = 0; i < length; i++) fifo.push(bytes[offset + i]);
        output.ready(DATA_IN_ENDPOINT);
      },
      breakFor: () => {
        this.#break = true;
        this.#toldStatus = -1;
        output.ready(NOTIFICATION_ENDPOINT);
      },
      modemStatus: (bits) => {
        this.#modemStatus = bits;
        output.ready(NOTIFICATION_ENDPOINT);
      },
      get backlog() {
        return fifo.length;
      },
    });
  }

  configured(): void {
    this.#empty();
    this.#owesShort = false;
    this.#dtr = false;
    this.#toldStatus = -1;
  }

  stop(): void {
    if (this.#running) this.#device.stop();
    this.#running = false;
    this.#empty();
  }

  control(setup: Uint8Array, data: Uint8Array, length: number): number {
    if ((setup[0] & ~ENDPOINT_IN) !== CLASS_INTERFACE) return HANDSHAKE.stall;
    switch (setup[1]) {
      case REQUEST.setLineCoding:
        if (length < LINE_CODING_BYTES) return HANDSHAKE.stall;
        this.#lineCoding.set(data.subarray(0, LINE_CODING_BYTES));
        return HANDSHAKE.ack;
      case REQUEST.getLineCoding:
        data.set(this.#lineCoding.subarray(0, Math.min(length, LINE_CODING_BYTES)));
        return Math.min(length, LINE_CODING_BYTES);
      case REQUEST.setControlLineState:
        this.#controlLines(wValue(setup));
        return HANDSHAKE.ack;
      case REQUEST.sendBreak:
        // 0 ends a break, and a receiver has met it at its beginning.
        if (wValue(setup) !== 0) this.#device.receive(0, LINE_STATUS.break | LINE_STATUS.framing);
        return HANDSHAKE.ack;
      default:
        return HANDSHAKE.stall;
    }
  }

  /** A program opens the port by raising DTR; what nobody listened to is lost, as on a line. */
  #controlLines(state: number): void {
    const dtr = (state & 1) !== 0;
    if (dtr && !this.#dtr) this.#empty();
    this.#dtr = dtr;
    this.#device.modemControl((dtr ? MODEM_CONTROL.dtr : 0) | (state & 2 ? MODEM_CONTROL.rts : 0));
  }

  out(endpointAddress: number, packet: Uint8Array, offset: number, length: number): number {
    if (endpointAddress !== DATA_OUT_ENDPOINT) return HANDSHAKE.stall;
    for (let i = 0; i < length; i++) this.#device.receive(packet[offset + i], 0);
    return HANDSHAKE.ack;
  }

  in(endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number {
    if (endpointAddress === NOTIFICATION_ENDPOINT) return this.#notification(packet, offset);
    const count = this.#fifo.read(packet, offset, maxLength);
    if (count === 0 && !this.#owesShort) return HANDSHAKE.nak;
    this.#owesShort = count === maxLength;
    if (count > 0 && this.#fifo.length === 0) this.#device.transmitIdle?.();
    return count;
  }

  #empty(): void {
    this.#lost += this.#fifo.overrun;
    this.#fifo.clear();
  }

  #notification(packet: Uint8Array, offset: number): number {
    const state =
      (this.#modemStatus & MODEM_STATUS.dcd ? 1 : 0) |
      (this.#modemStatus & MODEM_STATUS.dsr ? 2 : 0) |
      (this.#break ? 4 : 0) |
      (this.#modemStatus & MODEM_STATUS.ri ? 8 : 0);
    if (state === this.#toldStatus) return HANDSHAKE.nak;
    this.#toldStatus = this.#break ? -1 : state;
    this.#break = false;
    const bytes = [0xa1, SERIAL_STATE, 0, 0, 0, 0, 2, 0, state, 0];
    for (let i = 0; i < NOTIFICATION_BYTES; i++) packet[offset + i] = bytes[i];
    return NOTIFICATION_BYTES;
  }
}

/** The device has no wire of its own any more: what it sends is in the endpoint's FIFO at once. */
export function cdcAcmPeripheral(options: CdcAcmOptions): CdcAcmPeripheral {
  return new CdcAcm(options);
}
