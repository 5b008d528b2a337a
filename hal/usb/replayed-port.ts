/** A USB port that plays a recording: the same replies to the same transfers, after the same time. */

import { type Clock, Timer, TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { recordedEnd } from '../trace/recorded-end.js';
import type { RecordedUrb } from '../trace/recorded-urbs.js';
import { openTrace, type TraceFile } from '../trace/trace-file.js';
import {
  divergence,
  fieldDifferences,
  summaryOfHost,
  type UsbDivergence,
  type UsbDivergenceReport,
  type UsbReplayPolicy,
} from './replay-divergence.js';
import { type Flight, Flights, fillFrom, isHostsDoing, type ReplayPacing } from './replay-flights.js';
import { checkMask, type UsbReplayMask } from './replay-masks.js';
import { type UsbReplaySource, type UsbSourceOptions, usbReplaySource } from './replay-source.js';
import { countSubmissions, ReplayTally } from './replay-tally.js';
import { type Found, ReplayWindow } from './replay-window.js';
import { isStandard } from './setup-packet.js';
import { checkUrb } from './simulated-port.js';
import { StandardRequests } from './standard-requests.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

export interface UsbReplayOptions extends UsbSourceOptions {
  readonly clock: Clock;
  /**
   * `strict` (default): the host submits what was recorded in the order in which it was. `per-endpoint`: order counts on each
   * endpoint alone. `masked`: as `per-endpoint`, and what `masks` name is not compared.
   */
  readonly policy?: UsbReplayPolicy;
  /** Of the policy `masked`. */
  readonly masks?: readonly UsbReplayMask[];
  /**
   * `causal`: a completion follows its submission by the recorded time, but waits for what the host had told the device before
   * it (OUT and control transfers), and is later when that is. Default of `strict`. `gap`: it follows its submission,
   * whatever else the host does. Default of the others. `device`: what a device paces (IN transfers of data, interrupt transfers) comes
   * when it came then, and not before the host has told the device what it had told it then; a host that is more than 50 ms
   * late shifts it. For devices with a clock of their own.
   */
  readonly pacing?: ReplayPacing;
  /**
   * `answered` (default): standard requests that are not as recorded are answered from the recorded descriptors, recorded
   * ones may be left out, and both are counted. `compared`: they are compared as all others.
   */
  readonly standardRequests?: 'answered' | 'compared';
  /** Called for every difference; the replay goes on. Without it the port ends with `HAL_DIVERGED` at the first. */
  readonly onDivergence?: (divergence: UsbDivergence) => void;
  /** Called once, when the last recorded completion that can come has come. */
  readonly onEnd?: () => void;
}

export interface ReplayedUsbPort extends UsbPort {
  /** Whether every recorded submission was made and every completion that can come has come. */
  readonly ended: boolean;
  /** How the host's submissions compare with the recorded ones so far; the first call goes through the trace. */
  divergence(): UsbDivergenceReport;
}

/** What a transfer takes that the recording does not hold: three transactions in a frame of a full-speed bus. */
const OUT_OF_BAND_NS = 1_000_000;
const MOST_IN_FLIGHT = 4096;

class RecordedPort implements ReplayedUsbPort {
  readonly name: string;
  readonly description: UsbDescription;
  readonly #source: UsbReplaySource;
  readonly #clock: Clock;
  readonly #policy: UsbReplayPolicy;
  readonly #causal: boolean;
  readonly #masks: readonly UsbReplayMask[];
  readonly #onDivergence: ((divergence: UsbDivergence) => void) | undefined;
  readonly #onEnd: (() => void) | undefined;
  readonly #window: ReplayWindow;
  readonly #standard: StandardRequests;
  readonly #timer = new Timer(() => this.#run());
  readonly #flights: Flights;
  readonly #tally = new ReplayTally();
  #sink: UsbSink | undefined;
  #latenessNs = 0;
  #failure: HalError | undefined;
  #stopped = false;
  #closed = false;
  #ended = false;
  #total = -1;

  constructor(trace: TraceFile, options: UsbReplayOptions) {
    const { policy = 'strict', masks = [] } = options;
    if (masks.length > 0 && policy !== 'masked')
      throw new HalError('HAL_INVALID', `masks belong to the policy "masked", not to "${policy}"`, {
        hint: 'Ask for the policy "masked".',
      });
    for (const mask of masks) checkMask(mask);
    this.#source = usbReplaySource(trace, options);
    this.name = `replay:${trace.path}${this.#source.label}`;
    this.description = this.#source.description;
    this.#clock = options.clock;
    this.#policy = policy;
    this.#masks = masks;
    const pacing = options.pacing ?? (policy === 'strict' ? 'causal' : 'gap');
    this.#causal = pacing !== 'gap';
    this.#flights = new Flights(pacing);
    this.#onDivergence = options.onDivergence;
    this.#onEnd = options.onEnd;
    const standardAnswered = options.standardRequests !== 'compared';
    this.#window = new ReplayWindow(this.#source, { strict: policy === 'strict', masks, standardAnswered });
    this.#standard = new StandardRequests(this.description, { configured: () => {} });
  }

  get ended(): boolean {
    return this.#ended;
  }

  attach(sink: UsbSink): void {
    this.#refuseClosed();
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} is attached already`, {
        where: this.name,
        hint: 'Open a second replay of the same trace.',
      });
    this.#sink = sink;
    this.#latenessNs = this.#clock.now() - this.#source.trace.startNs;
    this.#flights.start(this.#latenessNs);
    this.#wake();
  }

  submit(urb: Urb): void {
    this.#refuseClosed();
    checkUrb(urb, this.name);
    if (this.#sink === undefined) throw new HalError('HAL_INVALID', `${this.name} has no host side yet`);
    if (this.#flights.all.length >= MOST_IN_FLIGHT)
      throw new HalError('HAL_INVALID', `more than ${MOST_IN_FLIGHT} transfers wait on ${this.name}`, {
        where: this.name,
        hint: 'Wait for completions.',
      });
    urb.status = URB_STATUS.inProgress;
    urb.actualLength = 0;
    this.#tally.submitted++;
    const flight = this.#flights.add(urb);
    if (this.#stopped || this.#failure !== undefined)
      flight.settle(this.#clock.now() + OUT_OF_BAND_NS, URB_STATUS.noDevice, 0);
    else this.#place(flight, urb);
    this.#wake();
  }

  cancel(urb: Urb): void {
    const flight = this.#flights.all.find((one) => one.urb === urb);
    if (flight === undefined || flight.settled) return;
    this.#unlink(flight, urb);
    this.#wake();
  }

  reset(): void {
    this.#refuseClosed();
    this.#standard.reset();
    for (const flight of this.#flights.all)
      if (flight.urb !== undefined && !flight.settled) this.#unlink(flight, flight.urb);
    this.#wake();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
  }

  divergence(): UsbDivergenceReport {
    if (this.#total < 0) this.#total = countSubmissions(this.#source);
    return this.#tally.report(this.#policy, this.#window, this.#total);
  }

  /** Finds what was recorded for `urb`. */
  #place(flight: Flight, urb: Urb): void {
    const window = this.#window;
    const found = window.find(urb);
    const { candidate } = window;
    if (window.failure !== undefined && candidate === undefined && found !== 'standard') this.#fail(window.failure);
    else if (found === 'same' && candidate !== undefined) {
      this.#tally.matched++;
      this.#match(flight, candidate);
    } else if (found === 'standard') this.#answer(flight, urb, candidate);
    else if (this.#mayWait(found, urb)) {
      // Its place is further on, or the recording ended before its completion: it waits.
      if (found === 'extra') this.#tally.beyondEnd++;
    } else this.#diverge(flight, urb, found, candidate);
  }

  #mayWait(found: Found, urb: Urb): boolean {
    const reads = urb.inbound && urb.transferType !== TRANSFER_TYPE.control;
    return reads && (found === 'extra' || (found === 'beyond' && this.#policy !== 'strict'));
  }

  #match(flight: Flight, recorded: RecordedUrb): void {
    if (!recorded.inbound && recorded.isTruncated) {
      this.#fail(recorded.refusal(this.#source.trace.path));
      return;
    }
    this.#window.take(recorded);
    const nowNs = this.#clock.now();
    this.#latenessNs = nowNs - recorded.submitNs;
    const isControl = recorded.transferType === TRANSFER_TYPE.control;
    if (isControl && isStandard(recorded.setup) && !recorded.inbound)
      this.#standard.answer(recorded.setup, recorded.data);
    this.#flights.place(flight, recorded, nowNs);
  }

  /** Answers a standard request out of band. */
  #answer(flight: Flight, urb: Urb, nearest: RecordedUrb | undefined): void {
    this.#tally.substitute(this.#describe('standard', urb, nearest));
    const count = this.#standard.answer(urb.setup, urb.data.subarray(0, urb.length));
    const dueNs = this.#clock.now() + OUT_OF_BAND_NS;
    if (count < 0) flight.settle(dueNs, URB_STATUS.stall, 0);
    else flight.settle(dueNs, URB_STATUS.ok, urb.inbound ? count : urb.length);
  }

  #diverge(flight: Flight, urb: Urb, found: Found, candidate: RecordedUrb | undefined): void {
    const sameEndpoint =
      candidate !== undefined &&
      candidate.transferType === urb.transferType &&
      (candidate.transferType === TRANSFER_TYPE.control || candidate.endpointAddress === urb.endpointAddress);
    const kind = sameEndpoint ? 'fields' : found === 'extra' ? 'extra' : 'order';
    const told = this.#describe(kind, urb, candidate);
    this.#tally.differ(told);
    if (this.#onDivergence === undefined) {
      this.#fail(new HalError('HAL_DIVERGED', `${this.name}: ${told.message}`, { where: this.name }));
      return;
    }
    if (sameEndpoint) {
      this.#tally.replaced++;
      this.#match(flight, candidate);
    } else flight.settle(this.#clock.now(), URB_STATUS.protocol, 0);
    this.#onDivergence(told);
  }

  #describe(kind: UsbDivergence['kind'], urb: Urb, recorded: RecordedUrb | undefined): UsbDivergence {
    return divergence({
      kind,
      policy: this.#policy,
      submission: this.#tally.submitted,
      urb: recorded?.number ?? 0,
      packet: recorded?.submitPacket ?? 0,
      atNs: this.#clock.now(),
      recordedNs: recorded?.submitNs ?? -1,
      actual: summaryOfHost(urb),
      expected: this.#window.expected(),
      fields: recorded === undefined ? [] : fieldDifferences(urb, recorded, this.#masks),
    });
  }

  /** The host takes `urb` back: as recorded, or in place of what was recorded. */
  #unlink(flight: Flight, urb: Urb): void {
    const { recorded } = flight;
    if (recorded !== undefined) while (!recorded.isComplete && this.#window.read());
    const asRecorded = recorded?.isComplete === true && isHostsDoing(recorded.status) && !recorded.isTruncated;
    flight.settle(this.#clock.now(), URB_STATUS.unlinked, asRecorded ? fillFrom(recorded, urb) : 0);
  }

  #fail(error: HalError): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** Everything comes to the host by the clock, never from inside its call. */
  #wake(): void {
    if (this.#sink !== undefined && !this.#closed) this.#clock.schedule(this.#timer, this.#clock.now());
  }

  #run(): void {
    while (!this.#closed) {
      if (this.#failure !== undefined && !this.#stopped) {
        this.#disconnect(this.#failure);
        return;
      }
      this.#lookAhead();
      const flight = this.#flights.earliest(this.#causal ? this.#window.gatePacket : Number.POSITIVE_INFINITY);
      const noteNs = this.#noteDueNs(flight);
      if (flight === undefined && noteNs === Number.POSITIVE_INFINITY) {
        this.#rest();
        return;
      }
      const dueNs = Math.min(noteNs, flight?.dueNs ?? Number.POSITIVE_INFINITY);
      if (dueNs > this.#clock.now()) {
        this.#clock.schedule(this.#timer, dueNs);
        return;
      }
      if (flight === undefined || noteNs < flight.dueNs) this.#deliverNote();
      else this.#complete(flight);
    }
  }

  /** Reads on while completions of transfers in flight are unknown, and gives those that wait for their place one. */
  #lookAhead(): void {
    if (this.#stopped) return;
    for (const flight of this.#flights.all) {
      if (flight.settled || flight.urb === undefined) continue;
      if (flight.recorded === undefined && !this.#window.ended) {
        if (this.#window.find(flight.urb) === 'same' && this.#window.candidate !== undefined) {
          this.#tally.matched++;
          this.#match(flight, this.#window.candidate);
        }
      }
      const { recorded } = flight;
      if (recorded !== undefined) while (!recorded.isComplete && this.#window.read());
    }
    if (this.#flights.all.length === 0)
      while (!this.#window.ended && this.#window.nextNote === undefined && this.#window.read());
  }

  #complete(flight: Flight): void {
    const { urb, recorded } = flight;
    if (urb === undefined) return;
    if (!flight.settled && recorded !== undefined) {
      if (recorded.inbound && recorded.isTruncated) {
        this.#fail(recorded.refusal(this.#source.trace.path));
        return;
      }
      flight.status = recorded.status;
      flight.actualLength = fillFrom(recorded, urb);
    }
    if (recorded !== undefined) {
      this.#flights.holdUp(recorded, this.#clock.now());
      this.#window.forget(recorded);
    }
    this.#land(flight, urb);
  }

  /** Takes the flight out before the host is told: it may use the URB again, or close the port. */
  #land(flight: Flight, urb: Urb): void {
    urb.status = flight.status;
    urb.actualLength = flight.actualLength;
    this.#flights.remove(flight);
    this.#sink?.completed(urb);
  }

  /** When the next thing that the device did by itself is due; transfers that ended before it come first. */
  #noteDueNs(flight: Flight | undefined): number {
    const note = this.#window.nextNote;
    if (note === undefined || this.#stopped) return Number.POSITIVE_INFINITY;
    const waits = this.#flights.all.some(
      ({ recorded, settled }) => !settled && recorded !== undefined && recorded.completePacket < note.packet,
    );
    if (waits && flight !== undefined) return Number.POSITIVE_INFINITY;
    if (this.#causal && this.#window.gatePacket < note.packet) return Number.POSITIVE_INFINITY;
    return note.timeNs + this.#latenessNs;
  }

  #deliverNote(): void {
    const text = this.#window.nextNote?.text ?? '';
    this.#window.takeNote();
    if (text === 'unplugged') this.#endUnplaced();
    if (text === 'plugged' || text === 'unplugged') this.#sink?.plugged?.(text === 'plugged');
    else if (text.startsWith('disconnected ')) this.#disconnect(recordedEnd(text.slice('disconnected '.length)));
  }

  /** What waits for a place in the recording ends with the device, because the host may have asked before it was told. */
  #endUnplaced(): void {
    for (const flight of [...this.#flights.all]) {
      if (flight.settled || flight.recorded !== undefined || flight.urb === undefined) continue;
      flight.settle(this.#clock.now(), URB_STATUS.shutdown, 0);
      this.#land(flight, flight.urb);
    }
  }

  /** Nothing can come before the host does something. */
  #rest(): void {
    const window = this.#window;
    if (this.#ended || this.#stopped || !window.ended || !window.isEmpty || window.nextNote !== undefined) return;
    if (window.failure !== undefined) {
      this.#disconnect(window.failure);
      return;
    }
    this.#ended = true;
    this.#onEnd?.();
  }

  #disconnect(error: HalError): void {
    if (this.#stopped) return;
    this.#stop();
    this.#sink?.disconnected(error);
  }

  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#clock.cancel(this.#timer);
    this.#window.close();
    for (let flight = this.#flights.all[0]; flight !== undefined; flight = this.#flights.all[0]) {
      if (!flight.settled) flight.settle(0, URB_STATUS.shutdown, 0);
      if (flight.urb !== undefined) this.#land(flight, flight.urb);
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

/**
 * Opens a replay of one device of a trace: our own, usbmon's (link type 220), USBPcap's (249). Memory is constant for any
 * length: at most 256 submissions (4 MiB) are read ahead. The recording may begin and end in mid-stream.
 * Throws as `openTrace`; `HAL_NOT_FOUND` and `HAL_INVALID` when the device is not there or not the only one. The port ends
 * with `HAL_DIVERGED`, and with `HAL_TRACE` at damage and at a URB that the capture cut short, naming packet and URB.
 */
export function openUsbReplay(trace: string | TraceFile, options: UsbReplayOptions): ReplayedUsbPort {
  return new RecordedPort(typeof trace === 'string' ? openTrace(trace) : trace, options);
}
