/**
 * The queue in front of one endpoint of the USB library, which takes a single transfer an endpoint, drops what came when it
 * times out, and cuts off silently what did not fit.
 */

import { PartialError } from '../../host-process/serve-host.js';
import type { UsbInAnswer, UsbInArguments, UsbOutAnswer } from './protocol.js';
import { TIMED_OUT } from './usb-errors.js';
import { usbTrouble } from './usb-texts.js';

/**
 * The library's own time-out, at which it cancels a transfer and drops its bytes: one day, so that it practically never
 * comes. Our time-outs leave the transfer pending.
 */
export const SLICE_MS = 86_400_000;

/** More slices in a row that bring nothing but "cancelled" are no time-outs. */
const SLICES = 3;

/** A wait that its owner may end. */
interface Waiting<Answer> {
  readonly ticket: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  timer: NodeJS.Timeout | undefined;
}

abstract class TransferQueue<Answer, Wait extends Waiting<Answer>> {
  protected readonly waiting: Wait[] = [];
  /** Whether the library has a transfer of this endpoint, waited for or not. */
  busy = false;

  /** Ends the wait for one transfer. Answers whether it was there. */
  cancel(ticket: number): boolean {
    return this.#end(ticket, () => Object.assign(new Error('cancelled'), { canceled: true }));
  }

  /** Ends every wait, and asks the library for nothing more. */
  cancelAll(): void {
    for (const wait of this.waiting.splice(0)) {
      clearTimeout(wait.timer);
      wait.reject(Object.assign(new Error('cancelled'), { canceled: true, partial: this.partialOf(wait) }));
    }
  }

  protected enqueue(wait: Wait, timeoutMs: number | undefined): void {
    this.waiting.push(wait);
    if (timeoutMs !== undefined)
      wait.timer = setTimeout(
        () => this.#end(wait.ticket, () => new PartialError(`got no end within ${timeoutMs} ms`, TIMED_OUT, undefined)),
        timeoutMs,
      );
    this.advance();
  }

  protected finish(wait: Wait): void {
    this.waiting.splice(this.waiting.indexOf(wait), 1);
    clearTimeout(wait.timer);
  }

  #end(ticket: number, why: () => Error): boolean {
    const wait = this.waiting.find((each) => each.ticket === ticket);
    if (wait === undefined) return false;
    this.finish(wait);
    wait.reject(Object.assign(why(), { partial: this.partialOf(wait) }));
    this.advance();
    return true;
  }

  protected abstract partialOf(wait: Wait): Uint8Array | undefined;
  protected abstract advance(): void;
}

interface Read extends Waiting<UsbInAnswer> {
  readonly packetSize: number;
  readonly length: number;
  readonly pieces: Uint8Array[];
  received: number;
}

/** What a transfer brought after whoever wanted it had stopped waiting. */
interface Left {
  bytes: Uint8Array;
  /** The device ended a transfer here: with a short or empty packet. */
  readonly ended: boolean;
}

/**
 * Reads of one IN endpoint, in order. The library is asked for whole packets; more than the reader asked for is
 * reported as `babble`. When a reader stops waiting, the transfer stays pending, and its bytes are the next reader's.
 */
export class InQueue extends TransferQueue<UsbInAnswer, Read> {
  readonly #submit: (length: number) => Promise<Uint8Array | null>;
  readonly #left: Left[] = [];
  #failure: Error | undefined;
  #cancelled = 0;

  constructor(submit: (length: number) => Promise<Uint8Array | null>) {
    super();
    this.#submit = submit;
  }

  read({ ticket, length, packetSize, timeoutMs }: UsbInArguments): Promise<UsbInAnswer> {
    return new Promise((resolve, reject) => {
      this.enqueue(
        { ticket, length, packetSize, resolve, reject, timer: undefined, pieces: [], received: 0 },
        timeoutMs,
      );
    });
  }

  /** Drops what nobody has taken: the interface was given back, or its endpoints are others now. */
  forget(): void {
    this.#left.length = 0;
    this.#failure = undefined;
  }

  protected partialOf(read: Read): Uint8Array {
    return joined(read.pieces, read.received);
  }

  protected advance(): void {
    for (;;) {
      const read = this.waiting[0];
      if (read === undefined) return;
      if (this.#left.length > 0) this.#takeLeft(read);
      else if (this.#failure !== undefined) this.#fail(read);
      else break;
    }
    if (!this.busy) void this.#transfer(this.waiting[0]);
  }

  #takeLeft(read: Read): void {
    const [left] = this.#left;
    const count = Math.min(left.bytes.length, read.length - read.received);
    read.pieces.push(left.bytes.subarray(0, count));
    read.received += count;
    left.bytes = left.bytes.subarray(count);
    const emptied = left.bytes.length === 0;
    if (emptied) this.#left.shift();
    if (read.received === read.length || (emptied && left.ended)) this.#answer(read, 'ok');
  }

  #fail(read: Read): void {
    const error = this.#failure as Error;
    this.#failure = undefined;
    if (usbTrouble(error.message) === 'stall') {
      this.#answer(read, 'stall');
      return;
    }
    this.finish(read);
    read.reject(new PartialError(error.message, undefined, this.partialOf(read)));
  }

  #answer(read: Read, status: USBTransferStatus): void {
    this.finish(read);
    read.resolve({ status, data: this.partialOf(read) });
  }

  async #transfer(read: Read): Promise<void> {
    const wanted = read.length - read.received;
    const asked = Math.max(1, Math.ceil(wanted / read.packetSize)) * read.packetSize;
    this.busy = true;
    try {
      const bytes = await this.#submit(asked);
      this.busy = false;
      this.#cancelled = 0;
      if (bytes === null) this.#failure = new Error('Stall');
      else this.#arrived(read, wanted, asked, bytes);
    } catch (error) {
      this.busy = false;
      // The library's own time-out ends a slice of the wait, not the wait.
      const slice = usbTrouble((error as Error).message) === 'cancelled' && ++this.#cancelled < SLICES;
      if (!slice) this.#failure = error as Error;
    }
    this.advance();
  }

  #arrived(read: Read, wanted: number, asked: number, bytes: Uint8Array): void {
    const ended = bytes.length < asked;
    if (this.waiting[0] !== read) {
      this.#left.push({ bytes: bytes.slice(), ended });
      return;
    }
    read.pieces.push(bytes.slice(0, wanted));
    read.received += Math.min(wanted, bytes.length);
    this.#answer(read, bytes.length > wanted ? 'babble' : 'ok');
  }
}

interface Write extends Waiting<UsbOutAnswer> {
  readonly data: Uint8Array;
}

/** Writes of one OUT endpoint, in order. A writer that stops waiting takes nothing back: its transfer stays pending. */
export class OutQueue extends TransferQueue<UsbOutAnswer, Write> {
  readonly #submit: (data: Uint8Array) => Promise<number>;

  constructor(submit: (data: Uint8Array) => Promise<number>) {
    super();
    this.#submit = submit;
  }

  write(ticket: number, data: Uint8Array, timeoutMs: number | undefined): Promise<UsbOutAnswer> {
    return new Promise((resolve, reject) => {
      this.enqueue({ ticket, data, resolve, reject, timer: undefined }, timeoutMs);
    });
  }

  protected partialOf(): undefined {
    return undefined;
  }

  protected advance(): void {
    const write = this.waiting[0];
    if (write !== undefined && !this.busy) void this.#transfer(write);
  }

  async #transfer(write: Write): Promise<void> {
    this.busy = true;
    let settle: () => void;
    try {
      const bytesWritten = await this.#submit(write.data);
      settle = () => write.resolve({ status: 'ok', bytesWritten });
    } catch (error) {
      settle =
        usbTrouble((error as Error).message) === 'stall'
          ? () => write.resolve({ status: 'stall', bytesWritten: 0 })
          : () => write.reject(error as Error);
    }
    this.busy = false;
    if (this.waiting.includes(write)) {
      this.finish(write);
      settle();
    }
    this.advance();
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
