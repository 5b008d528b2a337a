/** Makes URBs of the transactions of one interrupt or bulk endpoint. */

import { TRANSFER_TYPE, URB_STATUS, Urb } from '../../../usb/usb-port.js';
import type { EndpointKnowledge } from './usb-knowledge.js';
import type { UsbTransaction } from './usb-transaction-decoder.js';

/** Where URBs go; each is an object of its own, with its own data. Times may lie before those of earlier calls, but never before `openSample`. */
export interface UrbListener {
  submitted(urb: Urb, atSample: number): void;
  completed(urb: Urb, atSample: number): void;
}

/** Bytes after which a bulk transfer is taken to be over, as nothing on the wire tells. */
export const MAX_BULK_BYTES = 16_384;

/**
 * An interrupt endpoint: one URB a packet, submitted when the host first asks (or sends), completed when the packet is
 * acknowledged. A bulk endpoint: one URB for packets up to a short one, up to 16 KiB, or up to a pause; it is submitted with
 * its first packet. Packets that are repeated because an acknowledgement was lost count once.
 */
export class EndpointDecoder {
  readonly #address: number;
  readonly #knowledge: EndpointKnowledge;
  readonly #listener: UrbListener;
  readonly #nextId: () => number;
  #urb: Urb | undefined;
  /** Bulk: when it began and when its latest packet was over. */
  #start = Number.POSITIVE_INFINITY;
  #latest = 0;
  #lastToggle = -1;
  #lastData = new Uint8Array(0);

  constructor(address: number, knowledge: EndpointKnowledge, listener: UrbListener, nextId: () => number) {
    this.#address = address;
    this.#knowledge = knowledge;
    this.#listener = listener;
    this.#nextId = nextId;
  }

  /** Start of a URB that has not been told yet, `Infinity` without one. */
  get openSample(): number {
    return this.#start;
  }

  /** Toggles start anew: a configuration was chosen, a halt was cleared. */
  restart(): void {
    this.#lastToggle = -1;
  }

  take(transaction: UsbTransaction): void {
    const repeated = this.#repeated(transaction);
    if (this.#knowledge.type === TRANSFER_TYPE.bulk) this.#bulk(transaction, repeated);
    else if (this.#inbound) this.#interruptIn(transaction, repeated);
    else this.#interruptOut(transaction, repeated);
    if (transaction.handshake !== 'ack' || transaction.length < 0 || repeated) return;
    this.#lastToggle = transaction.toggle;
    this.#lastData = transaction.data.slice(0, transaction.length);
  }

  /** Ends a bulk transfer whose latest packet lies before `sample`. */
  settle(sample: number): void {
    if (this.#start !== Number.POSITIVE_INFINITY && this.#latest < sample) this.#endBulk(this.#latest, URB_STATUS.ok);
  }

  /** The bus was reset, or the capture ends: what moved is told; with a `status`, what waits ends with it. */
  end(sample: number, status?: number): void {
    this.settle(Number.POSITIVE_INFINITY);
    if (status !== undefined && this.#urb !== undefined) this.#complete(sample, status);
    this.restart();
  }

  get #inbound(): boolean {
    return (this.#address & 0x80) !== 0;
  }

  #repeated(transaction: UsbTransaction): boolean {
    if (transaction.length !== this.#lastData.length || transaction.toggle !== this.#lastToggle) return false;
    return this.#lastData.every((byte, i) => transaction.data[i] === byte);
  }

  #make(length: number): Urb {
    const urb = new Urb();
    urb.id = this.#nextId();
    urb.transferType = this.#knowledge.type;
    urb.endpointAddress = this.#address;
    urb.interval = this.#knowledge.interval;
    urb.length = length;
    urb.data = new Uint8Array(length);
    return urb;
  }

  #interruptIn(transaction: UsbTransaction, repeated: boolean): void {
    if (this.#urb === undefined) {
      this.#urb = this.#make(this.#knowledge.maxPacketSize);
      this.#listener.submitted(this.#urb, transaction.startSample);
    }
    if (transaction.handshake === 'stall') this.#complete(transaction.endSample, URB_STATUS.stall);
    else if (transaction.handshake === 'ack' && transaction.length >= 0 && !repeated) {
      const count = Math.min(transaction.length, this.#urb.length);
      this.#urb.data.set(transaction.data.subarray(0, count));
      this.#urb.actualLength = count;
      const overflow = transaction.length > count;
      this.#complete(transaction.endSample, overflow ? URB_STATUS.overflow : URB_STATUS.ok);
    }
  }

  #interruptOut(transaction: UsbTransaction, repeated: boolean): void {
    if (transaction.length < 0 || (repeated && this.#urb === undefined)) return;
    const data = transaction.data.subarray(0, transaction.length);
    const other =
      this.#urb !== undefined &&
      (this.#urb.length !== data.length || data.some((byte, i) => byte !== this.#urb?.data[i]));
    if (other) this.#complete(transaction.startSample, URB_STATUS.unlinked);
    if (this.#urb === undefined) {
      this.#urb = this.#make(transaction.length);
      this.#urb.data.set(data);
      this.#listener.submitted(this.#urb, transaction.startSample);
    }
    if (transaction.handshake === 'stall') this.#complete(transaction.endSample, URB_STATUS.stall);
    else if (transaction.handshake === 'ack') {
      this.#urb.actualLength = transaction.length;
      this.#complete(transaction.endSample, URB_STATUS.ok);
    }
  }

  #complete(sample: number, status: number): void {
    const urb = this.#urb;
    if (urb === undefined) return;
    this.#urb = undefined;
    urb.status = status;
    this.#listener.completed(urb, sample);
  }

  #bulk(transaction: UsbTransaction, repeated: boolean): void {
    const { handshake, length } = transaction;
    if (handshake === 'stall') {
      if (this.#start === Number.POSITIVE_INFINITY) this.#start = transaction.startSample;
      this.#endBulk(transaction.endSample, URB_STATUS.stall);
    }
    if (handshake !== 'ack' || length < 0 || repeated) return;
    if (this.#start === Number.POSITIVE_INFINITY) this.#start = transaction.startSample;
    this.#latest = transaction.endSample;
    this.#append(transaction.data, length);
    const moved = this.#urb?.actualLength ?? 0;
    if (length < this.#knowledge.maxPacketSize || moved >= MAX_BULK_BYTES)
      this.#endBulk(transaction.endSample, URB_STATUS.ok);
  }

  #append(bytes: Uint8Array, length: number): void {
    this.#urb ??= this.#make(0);
    const urb = this.#urb;
    if (urb.actualLength + length > urb.data.length) {
      const grown = new Uint8Array(2 * urb.data.length + Math.max(length, 64));
      grown.set(urb.data.subarray(0, urb.actualLength));
      urb.data = grown;
    }
    urb.data.set(bytes.subarray(0, length), urb.actualLength);
    urb.actualLength += length;
  }

  #endBulk(sample: number, status: number): void {
    const urb = this.#urb ?? this.#make(0);
    const start = this.#start;
    this.#urb = undefined;
    this.#start = Number.POSITIVE_INFINITY;
    urb.length = urb.actualLength;
    urb.status = URB_STATUS.inProgress;
    this.#listener.submitted(urb, start);
    urb.status = status;
    this.#listener.completed(urb, sample);
  }
}
