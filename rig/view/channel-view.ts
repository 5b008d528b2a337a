/** One report channel of one guest, as a plan asks about it. */

import { Distribution } from '../metrics/distribution.js';
import { type Continuity, counterContinuity } from '../metrics/integrity.js';
import { VALID_WITH_DEVICE_TIMES } from '../metrics/measurement.js';
import type { StampContext, Statistic } from '../metrics/statistic.js';
import {
  allanStability,
  clockError,
  countedRate,
  cycleToCycleJitter,
  eventRate,
  latency,
  periodJitter,
} from '../metrics/timing.js';
import { parseAs, type TimeText } from '../plan/quantity.js';
import type { DeclaredClock, GuestReport, ScanEvidence, TruthEpoch } from '../run/run-types.js';

/** Which stamp of a report: the rig's on receipt, the guest's own, or the wire's at the cause. */
export type StampSource = 'reported' | 'guest' | 'wire';

export interface ChannelContext {
  readonly subject: string;
  readonly stamps: Readonly<Record<StampSource, StampContext>>;
  readonly clocks: readonly DeclaredClock[];
  readonly truth: readonly TruthEpoch[] | undefined;
  readonly scans?: readonly ScanEvidence[] | undefined;
}

export type ReportFilter = Readonly<Record<string, number>> | ((report: GuestReport) => boolean);

export class ChannelView {
  readonly kind = 'rigvisor.channel';
  readonly #context: ChannelContext;
  /** Unfiltered: sequence numbers are counted over all of a channel. */
  readonly #all: readonly GuestReport[];
  readonly #stamps: StampSource;

  constructor(
    context: ChannelContext,
    readonly reports: readonly GuestReport[],
    all: readonly GuestReport[] = reports,
    stamps: StampSource = 'reported',
    private readonly counted?: string,
  ) {
    this.#context = context;
    this.#all = all;
    this.#stamps = stamps;
  }

  get subject(): string {
    return this.#context.subject;
  }

  get count(): number {
    return this.reports.length;
  }

  /** The clocks that profile, board and host declare. */
  get declaredClocks(): readonly DeclaredClock[] {
    return this.#context.clocks;
  }

  /** What the simulated device knows, where there is one. */
  get truth(): readonly TruthEpoch[] | undefined {
    return this.#context.truth;
  }

  /** The scans of a simulated converter, where there is one. */
  get scans(): readonly ScanEvidence[] | undefined {
    return this.#context.scans;
  }

  /** The same reports, of which each stands for as many things as its field `name` says: `rate` is then that of the things. */
  counting(name: string): ChannelView {
    return new ChannelView(this.#context, this.reports, this.#all, this.#stamps, name);
  }

  /** How many things the reports stand for. */
  get total(): number {
    const { counted } = this;
    return counted === undefined ? this.count : this.reports.reduce((sum, { fields }) => sum + fields[counted], 0);
  }

  /** Only the reports whose fields equal those given, or that the function takes. */
  where(filter: ReportFilter): ChannelView {
    const take =
      typeof filter === 'function'
        ? filter
        : (report: GuestReport) => Object.entries(filter).every(([name, value]) => report.fields[name] === value);
    return this.#with(this.reports.filter(take));
  }

  /** The first report of each time of measurement (`utcMs`): one a epoch, however many sentences it took. */
  get epochs(): ChannelView {
    const seen = new Set<number>();
    return this.#with(
      this.reports.filter(({ fields }) => {
        if (!(fields.utcMs >= 0) || seen.has(fields.utcMs)) return false;
        seen.add(fields.utcMs);
        return true;
      }),
    );
  }

  /** The same reports with times from elsewhere; `reported` unless asked for. */
  by(stamps: StampSource): ChannelView {
    return new ChannelView(this.#context, this.reports, this.#all, stamps, this.counted);
  }

  /** Nanoseconds; reports without such a stamp are left out. */
  get times(): Float64Array {
    return Float64Array.from(this.#stamped());
  }

  get stampContext(): StampContext {
    return this.#context.stamps[this.#stamps];
  }

  get rate(): Statistic {
    const { counted } = this;
    if (counted === undefined) return eventRate(this.times, this.stampContext);
    const stamped = this.reports.filter((report) => this.#timeOf(report) !== undefined);
    return countedRate(
      this.times,
      stamped.map(({ fields }) => fields[counted]),
      this.stampContext,
    );
  }

  /** Against the mean interval. */
  get jitter(): Distribution {
    return periodJitter(this.times, this.stampContext);
  }

  /** Against a period that is known. */
  jitterAgainst(period: TimeText): Distribution {
    return periodJitter(this.times, this.stampContext, parseAs('time', period));
  }

  get cycleToCycleJitter(): Distribution {
    return cycleToCycleJitter(this.times, this.stampContext);
  }

  /**
   * From the last character of the causing message on the wire to the rig's receipt of the report. Reports that name no
   * cause beside others that do leave it open from above, so that a guest cannot hide its late ones.
   */
  get latency(): Distribution {
    const caused = this.reports.filter((report) => report.causeNs !== undefined);
    return latency(
      caused.map((report) => report.causeNs ?? Number.NaN),
      caused.map((report) => report.reportedAtNs),
      this.#context.stamps.reported,
      caused.length > 0 ? this.reports.length - caused.length : 0,
    );
  }

  /** Allan deviation over `tau`. */
  allan(tau: TimeText): Statistic {
    return allanStability(this.times, parseAs('time', tau), this.stampContext);
  }

  /** Rate error of the device's time of measurement (`utcMs`) against the wire's stamps. */
  get deviceClockError(): Statistic {
    const dated = this.epochs.reports.filter((report) => report.causeNs !== undefined);
    return clockError(
      // From the first one on: Unix time in nanoseconds is beyond 2^53.
      dated.map((report) => (report.fields.utcMs - dated[0].fields.utcMs) * 1e6),
      dated.map((report) => report.causeNs ?? Number.NaN),
      this.#named('device clock', 'wire'),
      true,
    );
  }

  /** Rate error of the guest's clock against the rig's. */
  get guestClockError(): Statistic {
    return clockError(
      this.reports.map((report) => report.guestTimeNs),
      this.reports.map((report) => report.reportedAtNs),
      this.#named('guest clock', 'reported'),
      true,
    );
  }

  /** Of the report sequence numbers, over the whole channel whatever was filtered. */
  get continuity(): Continuity {
    return counterContinuity(
      this.#all.map((report) => report.sequence),
      32,
    );
  }

  /** A field over the reports as a distribution of plain numbers, for statistics other than of time. */
  field(name: string): number[] {
    return this.reports.map((report) => report.fields[name]);
  }

  /** Deviations of TIE: each time against the straight line through all of them. */
  get timeIntervalError(): Distribution {
    const times = this.times;
    const n = times.length;
    const period = n < 2 ? 0 : (times[n - 1] - times[0]) / (n - 1);
    return new Distribution({
      name: 'time interval error',
      samples: times.map((time, i) => time - times[0] - i * period),
      context: this.stampContext,
      validity: VALID_WITH_DEVICE_TIMES,
    });
  }

  #with(reports: readonly GuestReport[]): ChannelView {
    return new ChannelView(this.#context, reports, this.#all, this.#stamps, this.counted);
  }

  #named(subject: string, stamps: StampSource): StampContext {
    return { ...this.#context.stamps[stamps], subject: `${this.subject} ${subject}` };
  }

  *#stamped(): Generator<number> {
    for (const report of this.reports) {
      const time = this.#timeOf(report);
      if (time !== undefined) yield time;
    }
  }

  #timeOf(report: GuestReport): number | undefined {
    if (this.#stamps === 'reported') return report.reportedAtNs;
    return this.#stamps === 'guest' ? report.guestTimeNs : report.causeNs;
  }
}
