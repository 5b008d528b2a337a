/** Puts USB packets together to transactions: token, data, handshake (USB 2.0, section 8.5). */

import type { UsbLineError, UsbPacketListener } from './usb-line-decoder.js';
import { PID, packetFault } from './usb-packet.js';

export type UsbHandshake = 'ack' | 'nak' | 'stall' | 'none';

/** A transaction; the object and its data are overwritten by the next. */
export class UsbTransaction {
  token: 'setup' | 'out' | 'in' = 'in';
  /** Device. */
  address = 0;
  /** With 0x80 for one to the host. */
  endpointAddress = 0;
  readonly data = new Uint8Array(1040);
  /** Bytes of `data`; -1 when no data packet came. */
  length = -1;
  /** 0 or 1, of the data packet. */
  toggle = 0;
  /** What ended it; `none` also for isochronous transfers, which have none. */
  handshake: UsbHandshake = 'none';
  startSample = 0;
  endSample = 0;
}

export interface UsbTransactionListener {
  transaction(transaction: UsbTransaction): void;
  reset(startSample: number, endSample: number): void;
}

/** What was on the wire, in packets. */
export interface UsbPacketCounts {
  packets: number;
  /** Starts of frame. */
  frames: number;
  /** Packets that neither side would take, by what was wrong. */
  readonly faults: Map<string, number>;
  /** Low-speed packets announced on a full-speed bus; what follows them is not decoded. */
  preambles: number;
}

export class UsbTransactionDecoder implements UsbPacketListener {
  readonly counts: UsbPacketCounts = { packets: 0, frames: 0, faults: new Map(), preambles: 0 };
  readonly #listener: UsbTransactionListener;
  readonly #transaction = new UsbTransaction();
  #open = false;

  constructor(listener: UsbTransactionListener) {
    this.#listener = listener;
  }

  /** Start of the transaction that is under way, `Infinity` between transactions. */
  get openSample(): number {
    return this.#open ? this.#transaction.startSample : Number.POSITIVE_INFINITY;
  }

  packet(bytes: Uint8Array, length: number, start: number, end: number, error: UsbLineError | undefined): void {
    this.counts.packets++;
    const fault = error ?? packetFault(bytes, length);
    if (fault !== undefined) {
      this.counts.faults.set(fault, (this.counts.faults.get(fault) ?? 0) + 1);
      return;
    }
    switch (bytes[0]) {
      case PID.sof:
        this.counts.frames++;
        this.finish();
        break;
      case PID.setup:
        this.#token('setup', bytes, start, end);
        break;
      case PID.out:
        this.#token('out', bytes, start, end);
        break;
      case PID.in:
        this.#token('in', bytes, start, end);
        break;
      case PID.data0:
      case PID.data1:
        this.#data(bytes, length, end);
        break;
      case PID.ack:
        this.#handshake('ack', end);
        break;
      case PID.nak:
        this.#handshake('nak', end);
        break;
      case PID.stall:
        this.#handshake('stall', end);
        break;
      default:
        this.counts.preambles++;
    }
  }

  reset(start: number, end: number): void {
    this.finish();
    this.#listener.reset(start, end);
  }

  /** Nothing more belongs to the transaction that is under way. */
  finish(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#listener.transaction(this.#transaction);
  }

  #token(token: UsbTransaction['token'], bytes: Uint8Array, start: number, end: number): void {
    this.finish();
    const transaction = this.#transaction;
    const field = bytes[1] | (bytes[2] << 8);
    transaction.token = token;
    transaction.address = field & 0x7f;
    transaction.endpointAddress = ((field >> 7) & 0x0f) | (token === 'in' ? 0x80 : 0);
    transaction.length = -1;
    transaction.handshake = 'none';
    transaction.startSample = start;
    transaction.endSample = end;
    this.#open = true;
  }

  #data(bytes: Uint8Array, length: number, end: number): void {
    const transaction = this.#transaction;
    if (!this.#open || transaction.length >= 0) return;
    transaction.length = length - 3;
    transaction.data.set(bytes.subarray(1, length - 2));
    transaction.toggle = bytes[0] === PID.data1 ? 1 : 0;
    transaction.endSample = end;
  }

  #handshake(handshake: UsbHandshake, end: number): void {
    if (!this.#open) return;
    this.#transaction.handshake = handshake;
    this.#transaction.endSample = end;
    this.finish();
  }
}
