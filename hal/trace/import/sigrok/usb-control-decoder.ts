/** Puts the transactions of a control endpoint together to transfers: SETUP, data, status (USB 2.0, section 8.5.3). */

import { SETUP_BYTES, URB_STATUS } from '../../../usb/usb-port.js';
import type { UsbTransaction } from './usb-transaction-decoder.js';

/** A control transfer, done or given up; overwritten by the next of its endpoint. */
export class ControlTransfer {
  readonly setup = new Uint8Array(SETUP_BYTES);
  data = new Uint8Array(64);
  /** Bytes of the data stage. */
  length = 0;
  status: number = URB_STATUS.ok;
  startSample = 0;
  endSample = 0;

  get inbound(): boolean {
    return (this.setup[0] & 0x80) !== 0;
  }

  /** `wLength`. */
  get wanted(): number {
    return this.setup[6] | (this.setup[7] << 8);
  }
}

/** One control endpoint of one device. A data stage is at most 64 KiB long, as `wLength` is. */
export class ControlDecoder {
  readonly transfer = new ControlTransfer();
  /** A SETUP has come and its status has not. */
  open = false;
  #toggle = 1;

  /** Takes a transaction; answers the transfer when it ends with it. A SETUP in the middle of one gives up the one before: `given`. */
  take(transaction: UsbTransaction, given: (transfer: ControlTransfer) => void): ControlTransfer | undefined {
    if (transaction.token === 'setup') {
      if (transaction.handshake !== 'ack' || transaction.length !== SETUP_BYTES) return undefined;
      if (this.open) given(this.abandon(transaction.startSample));
      this.#begin(transaction);
      return undefined;
    }
    if (!this.open) return undefined;
    if (transaction.handshake === 'stall') return this.#end(transaction, URB_STATUS.stall);
    if (transaction.handshake !== 'ack' || transaction.length < 0) return undefined;
    const { transfer } = this;
    const withData = transfer.wanted > 0;
    const inbound = transaction.token === 'in';
    // The status stage goes the other way than the data, or in where there is none (section 8.5.3.1).
    if (inbound !== (withData && transfer.inbound)) return this.#end(transaction, URB_STATUS.ok);
    if (transaction.toggle === this.#toggle) this.#append(transaction);
    return undefined;
  }

  /** Ends the transfer that is under way without a status stage. */
  abandon(atSample: number, status: number = URB_STATUS.unlinked): ControlTransfer {
    this.open = false;
    this.transfer.status = status;
    this.transfer.endSample = atSample;
    return this.transfer;
  }

  #begin(transaction: UsbTransaction): void {
    this.transfer.setup.set(transaction.data.subarray(0, SETUP_BYTES));
    this.transfer.length = 0;
    this.transfer.startSample = transaction.startSample;
    this.open = true;
    this.#toggle = 1;
  }

  /** Packets with the toggle of the one before are repetitions. */
  #append(transaction: UsbTransaction): void {
    const { transfer } = this;
    this.#toggle ^= 1;
    const count = Math.min(transaction.length, transfer.wanted - transfer.length);
    if (transfer.length + count > transfer.data.length) {
      const grown = new Uint8Array(Math.min(65_536, 2 * transfer.data.length + count));
      grown.set(transfer.data.subarray(0, transfer.length));
      transfer.data = grown;
    }
    transfer.data.set(transaction.data.subarray(0, count), transfer.length);
    transfer.length += count;
  }

  #end(transaction: UsbTransaction, status: number): ControlTransfer {
    return this.abandon(transaction.endSample, status);
  }
}
