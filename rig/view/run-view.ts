/** A finished run as a plan asks about it: one guest's channels, exits and counters, and what the line and the device did. */

import type { ClockDomain } from '../../base/index.js';
import { RigError } from '../errors.js';
import { Distribution } from '../metrics/distribution.js';
import type { RunMode } from '../metrics/measurement.js';
import type { StampContext } from '../metrics/statistic.js';
import type {
  DeclaredClock,
  GuestExits,
  GuestReport,
  GuestRun,
  RunResult,
  TruthEpoch,
  WireRun,
} from '../run/run-types.js';
import { ChannelView } from './channel-view.js';

/** Error of one stamp of the host's monotonic clock, as the thread of a vCPU takes it. */
const HOST_STAMP_NS = 1_000;

export interface InterruptView {
  readonly latency: Distribution;
}

export class RunView {
  readonly kind = 'rigvisor.run';
  readonly #guest: GuestRun;

  /** `RIG_PLAN` when the run has no guest of that index. */
  constructor(
    readonly result: RunResult,
    readonly guestIndex = 0,
    /** Names of the channels in the manifest of the guest, where that is known. */
    private readonly declared: readonly string[] = [],
  ) {
    const guest = result.guests[guestIndex];
    if (guest === undefined)
      throw new RigError('RIG_PLAN', `the run has ${result.guests.length} guests, so there is no guest ${guestIndex}`);
    this.#guest = guest;
  }

  get mode(): RunMode {
    const { clockDomain, pacing, cell } = this.result;
    return { clockDomain, pacing, binding: cell.binding };
  }

  get clockDomain(): ClockDomain {
    return this.result.clockDomain;
  }

  get durationNs(): number {
    return this.result.durationNs;
  }

  get wire(): WireRun {
    return this.result.wire;
  }

  get truth(): readonly TruthEpoch[] | undefined {
    return this.result.truth;
  }

  get exits(): GuestExits {
    return this.#guest.exits;
  }

  get instret(): number {
    return this.#guest.instret;
  }

  get console(): string {
    return this.#guest.console;
  }

  get guestRun(): GuestRun {
    return this.#guest;
  }

  /** How this guest is called in sentences: nothing when there is one alone. */
  get guestLabel(): string {
    return this.result.guests.length === 1 ? '' : `${this.#guest.name} `;
  }

  /** The run, or this guest of it, in sentences. */
  get subject(): string {
    return this.result.guests.length === 1 ? 'the run' : this.#guest.name;
  }

  /** The same run, seen from another guest; by index from 0. */
  guest(index: number): RunView {
    return new RunView(this.result, index, this.declared);
  }

  /**
   * The channel of that name; it has no reports when the guest sent none. `RIG_PLAN` for a name that is neither in the
   * manifest nor among those that the guest reported on, because nothing asked about it could ever fail.
   */
  channel(name: string): ChannelView {
    const known = [...new Set([...this.declared, ...this.channelNames])];
    if (known.length > 0 && !known.includes(name))
      throw new RigError('RIG_PLAN', `the guest has no channel named "${name}"`, {
        where: name,
        hint: `its channels are: ${known.join(', ')}`,
      });
    const subject = `${this.guestLabel}${name}`;
    const stamps = {
      reported: this.#stamps(subject, 'stamps'),
      wire: { ...this.#stamps(subject, 'stamps'), resolutionNs: this.result.wire.stampResolutionNs },
      guest: this.#stamps(subject, 'guest'),
    };
    return new ChannelView(
      { subject, stamps, clocks: this.result.clocks, truth: this.truth, scans: this.result.scans },
      this.#guest.reports.filter((report) => report.channel === name),
    );
  }

  /** Names of the channels that sent something, in order of first appearance. */
  get channelNames(): string[] {
    return [...new Set(this.#guest.reports.map((report) => report.channel))];
  }

  /** The last value of a field of the `counters` channel; `RIG_PLAN` when the guest never sent it. */
  counter(name: string): number {
    const value = this.counters?.[name];
    if (value === undefined)
      throw new RigError('RIG_PLAN', `the guest sent no counter named "${name}"`, {
        where: name,
        hint: 'see the channel "counters" in the guest manifest, and whether the run was long enough for it to be sent',
      });
    return value;
  }

  /** The last record of the `counters` channel. */
  get counters(): Readonly<Record<string, number>> | undefined {
    return this.lastCounters?.fields;
  }

  /** The same with its times. */
  get lastCounters(): GuestReport | undefined {
    return this.#guest.reports.findLast((report) => report.channel === 'counters');
  }

  /** `RIG_PLAN` when the path does not measure that interrupt. */
  interrupt(name: string): InterruptView {
    const samples = this.#guest.interrupts?.[name];
    if (samples === undefined)
      throw new RigError('RIG_PLAN', `no latency of an interrupt named "${name}" was measured`, {
        where: name,
        hint: `measured are: ${Object.keys(this.#guest.interrupts ?? {}).join(', ') || 'none'}`,
      });
    const stamps = this.#stamps(`${this.guestLabel}interrupt ${name}`, 'stamps');
    // Both ends are stamped where the vCPU runs, on one clock, and not where the device is.
    const context = this.clockDomain === 'wall' ? { ...stamps, resolutionNs: HOST_STAMP_NS } : stamps;
    const bound = this.#guest.interruptBounds?.[name];
    const options = { name: 'latency', samples: Float64Array.from(samples), context };
    return { latency: new Distribution(bound === undefined ? options : { ...options, bound }) };
  }

  /** A clock that the profile or the board declares. */
  declaredClock(name: string): DeclaredClock | undefined {
    return this.result.clocks.find((clock) => clock.name === name);
  }

  #stamps(subject: string, clock: string): StampContext {
    const declared = this.declaredClock(clock);
    return {
      subject,
      mode: this.mode,
      resolutionNs: declared?.quantumNs ?? this.result.wire.stampResolutionNs,
      ppm: declared?.ppm ?? 0,
    };
  }
}
