/** A host that makes the submissions of a recording again, on any port: a replay of it, a simulator, a device. */

import { type Clock, Timer, TRANSFER_TYPE, URB_STATUS, Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { type RecordedEvent, type RecordedUrb, RecordedUrbs } from '../trace/recorded-urbs.js';
import { openTrace, type TraceFile } from '../trace/trace-file.js';
import { summaryOf } from './replay-divergence.js';
import { isHostsDoing } from './replay-flights.js';
import { type UsbReplaySource, type UsbSourceOptions, usbReplaySource } from './replay-source.js';
import type { UsbPort, UsbSink } from './usb-port.js';

export interface UsbReplayHostOptions extends UsbSourceOptions {
  readonly clock: Clock;
  /** Attached by the host, and left open at the end. */
  readonly port: UsbPort;
  /** Changes a submission before it is made: its SETUP packet, the first `length` bytes of its data. `number` is that of the recorded URB, 1 first. */
  readonly alter?: (urb: Urb, number: number) => void;
  /** Called once, when everything recorded has been done, or with why it cannot be. */
  readonly onEnd?: (failure: HalError | undefined) => void;
}

export interface UsbReplayHostReport {
  readonly submitted: number;
  readonly completed: number;
  /** Completions whose status, length or data are not as recorded. */
  readonly differing: number;
  /** One sentence on the first of them. */
  readonly first: string | undefined;
  /** What the host waits for now. */
  readonly waitingFor: string | undefined;
}

export interface UsbReplayHost {
  readonly ended: boolean;
  readonly failure: HalError | undefined;
  report(): UsbReplayHostReport;
  /** Ends it; the port is left open. Idempotent. */
  stop(): void;
}

/** A longer transfer is no transfer. */
const MOST_URB_BYTES = 16 << 20;
/** What is asked for where the capture does not tell (USBPcap, IN). */
const UNTOLD_BYTES = 1 << 20;
const MOST_SPARE = 64;

class HostTransfer {
  readonly urb = new Urb();
  isDone = false;
  doneNs = 0;
}

class RecordedHost implements UsbReplayHost, UsbSink {
  readonly #source: UsbReplaySource;
  readonly #clock: Clock;
  readonly #port: UsbPort;
  readonly #alter: ((urb: Urb, number: number) => void) | undefined;
  readonly #onEnd: ((failure: HalError | undefined) => void) | undefined;
  readonly #urbs: RecordedUrbs;
  readonly #timer = new Timer(() => this.#go());
  readonly #transfers = new Map<RecordedUrb, HostTransfer>();
  readonly #byUrb = new Map<Urb, HostTransfer>();
  readonly #spare: HostTransfer[] = [];
  /** The event at hand, undefined when it has been done. */
  #event: RecordedEvent | undefined;
  /** When the event before it happened, in the recording and here. */
  #recordedNs: number | undefined;
  #actualNs = 0;
  #going = false;
  #submitted = 0;
  #completed = 0;
  #differing = 0;
  #first: string | undefined;
  ended = false;
  failure: HalError | undefined;

  constructor(trace: TraceFile, options: UsbReplayHostOptions) {
    this.#source = usbReplaySource(trace, options);
    this.#clock = options.clock;
    this.#port = options.port;
    this.#alter = options.alter;
    this.#onEnd = options.onEnd;
    this.#urbs = new RecordedUrbs(this.#source);
    this.#port.attach(this);
    this.#actualNs = this.#clock.now();
    this.#clock.schedule(this.#timer, this.#actualNs);
  }

  report(): UsbReplayHostReport {
    return {
      submitted: this.#submitted,
      completed: this.#completed,
      differing: this.#differing,
      first: this.#first,
      waitingFor: this.#event === 'completed' ? `the completion of ${this.#told(this.#urbs.urb)}` : undefined,
    };
  }

  stop(): void {
    if (this.ended) return;
    this.ended = true;
    this.#clock.cancel(this.#timer);
    this.#urbs.close();
  }

  completed(urb: Urb): void {
    const transfer = this.#byUrb.get(urb);
    if (transfer === undefined) return;
    this.#byUrb.delete(urb);
    transfer.isDone = true;
    transfer.doneNs = this.#clock.now();
    if (this.#event === 'completed') this.#go();
  }

  disconnected(error: HalError): void {
    this.#end(error);
  }

  /** Does everything that is due, then waits for a time or a completion. */
  #go(): void {
    if (this.#going) return;
    this.#going = true;
    try {
      while (!this.ended) {
        this.#event ??= this.#urbs.next();
        if (!this.#perform(this.#event)) return;
        this.#event = undefined;
      }
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.#end(error);
    } finally {
      this.#going = false;
    }
  }

  /** False when the event must be waited for. */
  #perform(event: RecordedEvent): boolean {
    const recordedNs = this.#urbs.timeNs;
    switch (event) {
      case 'end':
        this.#end(undefined);
        return true;
      case 'completed':
        return this.#await(this.#urbs.urb, recordedNs);
      case 'submitted':
        if (!this.#isDue(recordedNs)) return false;
        this.#submit(this.#urbs.urb);
        return true;
      case 'note':
        if (this.#urbs.note !== 'reset') return true;
        if (!this.#isDue(recordedNs)) return false;
        this.#port.reset();
        return true;
    }
  }

  /** Whether as much time has gone since the event before as in the recording; if so, the event happens now. */
  #isDue(recordedNs: number): boolean {
    const nowNs = this.#clock.now();
    const dueNs = this.#actualNs + Math.max(0, recordedNs - (this.#recordedNs ?? recordedNs));
    if (dueNs > nowNs) {
      this.#clock.schedule(this.#timer, dueNs);
      return false;
    }
    this.#happened(recordedNs, nowNs);
    return true;
  }

  #happened(recordedNs: number, actualNs: number): void {
    this.#recordedNs = Math.max(recordedNs, this.#recordedNs ?? recordedNs);
    this.#actualNs = Math.max(this.#actualNs, actualNs);
  }

  #submit(recorded: RecordedUrb): void {
    const bytes = recorded.length < 0 ? (recorded.inbound ? UNTOLD_BYTES : recorded.dataLength) : recorded.length;
    const isControl = recorded.transferType === TRANSFER_TYPE.control;
    const length = isControl ? Math.min(bytes, recorded.setup[6] | (recorded.setup[7] << 8)) : bytes;
    if (!recorded.inbound && recorded.isTruncated) throw recorded.refusal(this.#source.trace.path);
    if (length > MOST_URB_BYTES)
      throw new HalError('HAL_TRACE', `${this.#source.trace.path}: ${this.#told(recorded)} asks for ${length} bytes`, {
        where: this.#source.trace.path,
        hint: 'It is damaged; record it again.',
      });
    const transfer = this.#spare.pop() ?? new HostTransfer();
    const { urb } = transfer;
    transfer.isDone = false;
    urb.id = recorded.number;
    urb.transferType = recorded.transferType;
    urb.endpointAddress = recorded.endpointAddress;
    urb.setup.set(recorded.setup);
    urb.flags = recorded.flags;
    urb.interval = recorded.interval;
    urb.length = length;
    if (urb.data.length < length) urb.data = new Uint8Array(Math.max(64, length));
    if (!recorded.inbound) urb.data.set(recorded.data.subarray(0, Math.min(length, recorded.dataLength)));
    this.#alter?.(urb, recorded.number);
    this.#transfers.set(recorded, transfer);
    this.#byUrb.set(urb, transfer);
    this.#submitted++;
    this.#port.submit(urb);
  }

  /** What the host took back is taken back when it was; everything else is waited for. */
  #await(recorded: RecordedUrb, recordedNs: number): boolean {
    const transfer = this.#transfers.get(recorded);
    if (transfer === undefined) return true;
    if (!transfer.isDone) {
      if (isHostsDoing(recorded.status) && this.#isDue(recordedNs)) this.#port.cancel(transfer.urb);
      return transfer.isDone && this.#finish(recorded, transfer, recordedNs);
    }
    return this.#finish(recorded, transfer, recordedNs);
  }

  #finish(recorded: RecordedUrb, transfer: HostTransfer, recordedNs: number): boolean {
    this.#happened(recordedNs, transfer.doneNs);
    this.#completed++;
    this.#compare(recorded, transfer.urb);
    this.#transfers.delete(recorded);
    this.#urbs.release(recorded);
    if (this.#spare.length < MOST_SPARE) this.#spare.push(transfer);
    return true;
  }

  #compare(recorded: RecordedUrb, urb: Urb): void {
    const expected = isHostsDoing(recorded.status) ? URB_STATUS.unlinked : recorded.status;
    const length = recorded.inbound ? recorded.dataLength : recorded.actualLength;
    let what: string | undefined;
    if (urb.status !== expected) what = `status ${urb.status} instead of ${expected}`;
    else if (urb.actualLength !== length) what = `${urb.actualLength} bytes instead of ${length}`;
    else if (recorded.inbound) {
      const at = firstDifference(urb.data, recorded.data, length);
      if (at >= 0) what = `byte ${at} as ${urb.data[at]} instead of ${recorded.data[at]}`;
    }
    if (what === undefined) return;
    this.#differing++;
    this.#first ??= `${this.#told(recorded)} completed with ${what}`;
  }

  #told(recorded: RecordedUrb): string {
    return `URB ${recorded.number} (packet ${recorded.submitPacket}, ${summaryOf(recorded).text})`;
  }

  #end(failure: HalError | undefined): void {
    if (this.ended) return;
    this.failure = failure;
    this.stop();
    this.#onEnd?.(failure);
  }
}

function firstDifference(a: Uint8Array, b: Uint8Array, length: number): number {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

/**
 * Plays the host side of a recorded device on `options.port`, in causal order: each event follows the one before it in the
 * recording by the recorded time, and a completion is waited for before what came behind it is done. Memory is constant.
 * Throws as `openUsbReplay`; a failure later ends it and is in `failure`.
 */
export function playUsbHost(trace: string | TraceFile, options: UsbReplayHostOptions): UsbReplayHost {
  return new RecordedHost(typeof trace === 'string' ? openTrace(trace) : trace, options);
}
