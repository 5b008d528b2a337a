/** The part of a USB recording that a replay looks at: submissions the host has not made yet, in file order, bounded. */

import { TRANSFER_TYPE, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { type RecordedUrb, RecordedUrbs } from '../trace/recorded-urbs.js';
import type { UsbRecording } from '../trace/usb-cursor.js';
import { sameTransfer, summaryOf, type UsbTransferSummary } from './replay-divergence.js';
import type { UsbReplayMask } from './replay-masks.js';
import { endpointKey } from './replay-source.js';
import { isStandard } from './setup-packet.js';

/** How far ahead is read. What was recorded beyond it waits until the host has made some of these submissions. */
const AHEAD_URBS = 256;
const AHEAD_BYTES = 4 << 20;
const AHEAD_NOTES = 64;
const MOST_EXPECTED_TOLD = 8;

export interface WindowOptions {
  /** Order over all endpoints, instead of one for each. */
  readonly strict: boolean;
  readonly masks: readonly UsbReplayMask[];
  /** Standard requests need not be as recorded. */
  readonly standardAnswered: boolean;
}

/** Something that the device did by itself, beside its transfers. */
export interface RecordedNote {
  readonly packet: number;
  readonly timeNs: number;
  readonly text: string;
}

/** What the recording has for a submission: the same; another; nothing more; nothing as far as is looked; a standard request of its own. */
export type Found = 'same' | 'other' | 'extra' | 'beyond' | 'standard';

export class ReplayWindow {
  readonly #urbs: RecordedUrbs;
  readonly #options: WindowOptions;
  readonly #waiting: RecordedUrb[] = [];
  readonly #notes: RecordedNote[] = [];
  #bytes = 0;
  #ended = false;
  /** Why the recording cannot be read on. */
  failure: HalError | undefined;
  /** After `find`: what was recorded, undefined for `extra` and `beyond`. */
  candidate: RecordedUrb | undefined;
  /** Standard requests that the host left out. */
  skipped = 0;

  constructor(recording: UsbRecording, options: WindowOptions) {
    this.#urbs = new RecordedUrbs(recording);
    this.#options = options;
  }

  /** Everything has been read. */
  get ended(): boolean {
    return this.#ended;
  }

  get orphans(): number {
    return this.#urbs.orphans;
  }

  get isochronous(): number {
    return this.#urbs.isochronous;
  }

  /** Submissions that the host must still make, standard requests apart where they need not be as recorded. */
  get isEmpty(): boolean {
    return this.#waiting.every((urb) => this.#isLoose(urb));
  }

  /** Packet of the first submission that tells the device something and has not been made; `Infinity` without one. */
  get gatePacket(): number {
    for (const urb of this.#waiting) {
      const tells = urb.transferType === TRANSFER_TYPE.control || !urb.inbound;
      if (tells && !this.#isLoose(urb)) return urb.submitPacket;
    }
    return Number.POSITIVE_INFINITY;
  }

  get nextNote(): RecordedNote | undefined {
    return this.#notes[0];
  }

  takeNote(): void {
    this.#notes.shift();
  }

  /** Reads one event; false at the end, at damage, or when enough has been read. */
  read(): boolean {
    const isFull =
      this.#waiting.length >= AHEAD_URBS || this.#bytes >= AHEAD_BYTES || this.#notes.length >= AHEAD_NOTES;
    if (this.#ended || isFull) return false;
    try {
      this.#take();
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.failure = error;
      this.#ended = true;
    }
    return !this.#ended;
  }

  /** Looks for what `urb` may be; `candidate` is set. Standard requests in front of it that were left out stay until `take`. */
  find(urb: Urb): Found {
    const { strict, masks, standardAnswered } = this.#options;
    const isStandardRequest = standardAnswered && urb.transferType === TRANSFER_TYPE.control && isStandard(urb.setup);
    const key = endpointKey(urb.endpointAddress);
    let nearest: RecordedUrb | undefined;
    this.candidate = undefined;
    for (let i = 0; ; i++) {
      if (i === this.#waiting.length && !this.#readUrb()) {
        if (i < this.#waiting.length || !this.#ended) return this.#notFound(isStandardRequest, nearest);
        return isStandardRequest ? this.#notFound(true, nearest) : 'extra';
      }
      const recorded = this.#waiting[i];
      if (!strict && endpointKey(recorded.endpointAddress) !== key) continue;
      const isLoose = this.#isLoose(recorded);
      if (isStandardRequest && !isLoose) return this.#notFound(true, nearest);
      if (isLoose && !isStandardRequest) continue;
      const same = sameTransfer(urb, recorded, masks);
      nearest ??= recorded;
      if (!same && isStandardRequest) continue;
      this.candidate = recorded;
      return same ? 'same' : 'other';
    }
  }

  /** The host has made the submission `urb`: it and the standard requests in front of it are no longer waited for. */
  take(urb: RecordedUrb): void {
    const key = endpointKey(urb.endpointAddress);
    for (let i = 0; i < this.#waiting.length; ) {
      const waiting = this.#waiting[i];
      const inFront = this.#options.strict || endpointKey(waiting.endpointAddress) === key;
      if (waiting !== urb && !(inFront && this.#isLoose(waiting))) {
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      this.#bytes -= waiting.dataLength;
      if (waiting === urb) return;
      this.skipped++;
      this.#urbs.skip(waiting);
    }
  }

  /** Nobody waits for the completion of `urb` any more, which was taken. */
  forget(urb: RecordedUrb): void {
    this.#urbs.skip(urb);
  }

  /** What might come now. */
  expected(): UsbTransferSummary[] {
    const told = new Map<number, RecordedUrb>();
    for (const urb of this.#waiting) {
      const key = this.#options.strict ? 0 : endpointKey(urb.endpointAddress);
      if (!this.#isLoose(urb) && !told.has(key) && told.size < MOST_EXPECTED_TOLD) told.set(key, urb);
    }
    return [...told.values()].map(summaryOf);
  }

  close(): void {
    this.#urbs.close();
  }

  #notFound(isStandardRequest: boolean, nearest: RecordedUrb | undefined): Found {
    this.candidate = nearest;
    return isStandardRequest ? 'standard' : 'beyond';
  }

  /** Reads on to the next submission; when as much has been read as may be, a request that may be left out makes room. */
  #readUrb(): boolean {
    const before = this.#urbs.submitted;
    while (this.read()) if (this.#urbs.submitted > before) return true;
    return this.#urbs.submitted > before;
  }

  #isLoose(urb: RecordedUrb): boolean {
    return this.#options.standardAnswered && urb.transferType === TRANSFER_TYPE.control && isStandard(urb.setup);
  }

  #take(): void {
    const urbs = this.#urbs;
    const event = urbs.next();
    if (event === 'end') this.#ended = true;
    else if (event === 'note') this.#notes.push({ packet: urbs.packetNumber, timeNs: urbs.timeNs, text: urbs.note });
    else if (event === 'submitted') {
      this.#waiting.push(urbs.urb);
      this.#bytes += urbs.urb.dataLength;
    } else if (urbs.urb.inbound && this.#waiting.includes(urbs.urb)) this.#bytes += urbs.urb.dataLength;
  }
}
