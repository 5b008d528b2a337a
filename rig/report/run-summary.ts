/** A run, boiled down to what goes into records: plain numbers, no samples, no path of the machine. */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Distribution } from '../metrics/distribution.js';
import type { Continuity } from '../metrics/integrity.js';
import type { Statistic } from '../metrics/statistic.js';
import type {
  Certification,
  CostModel,
  DeclaredClock,
  GuestExits,
  GuestReport,
  InterruptBound,
  Pacing,
  PlacementRun,
  RunResult,
  StationSummary,
  TraceFile,
  WireRun,
} from '../run/run-types.js';
import type { ChannelView } from '../view/channel-view.js';
import { RunView } from '../view/run-view.js';

/** `null` where nothing could be measured or bounded. */
export interface Interval {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface DistributionSummary {
  readonly count: number;
  readonly p50: Interval;
  readonly p99: Interval;
  readonly p99_9: Interval;
  readonly max: Interval;
  readonly rms: Interval;
}

export interface ChannelSummary {
  readonly name: string;
  readonly reports: number;
  /** One a time of measurement; equal to `reports` on channels without one. */
  readonly epochs: number;
  readonly continuity: Continuity;
  readonly rateHz: Interval;
  readonly jitterNs: DistributionSummary;
  /** Absent on channels whose reports name no cause. */
  readonly latencyNs?: DistributionSummary;
  /** Over type, sequence and fields of every report, without times: equal where two runs gave the same data. */
  readonly dataSha256: string;
}

export interface GuestSummary {
  readonly name: string;
  readonly instret: number;
  readonly exits: GuestExits;
  readonly reportsDropped: number;
  readonly consoleSha256: string;
  readonly channels: readonly ChannelSummary[];
  /** Of the interrupts that were measured. */
  readonly interrupts?: readonly InterruptSummary[];
}

export interface InterruptSummary {
  readonly name: string;
  readonly latencyNs: DistributionSummary;
  /** Absent where none could be computed. */
  readonly bound?: InterruptBound;
}

export interface TraceSummary {
  readonly file: string;
  readonly sha256: string;
  readonly blocks: number;
  readonly bytes: number;
}

export interface RunSummary {
  /** What the plan asked for, as it wrote it. */
  readonly asked: Readonly<Record<string, unknown>>;
  readonly seed: string;
  readonly clockDomain: string;
  readonly pacing: Pacing;
  readonly durationNs: number;
  readonly stop: { readonly kind: string; readonly sentence: string; readonly code?: number; readonly limit?: string };
  readonly guests: readonly GuestSummary[];
  readonly wire: Omit<WireRun, 'arrivals' | 'stampResolutionNs'>;
  readonly clocks: readonly DeclaredClock[];
  readonly stations: readonly StationSummary[];
  readonly certification: Certification;
  readonly trace: TraceSummary;
  /** Of a companion in a cell of its own: the file of its trace, and why there is nothing else of it. */
  readonly companion?: { readonly trace?: TraceSummary; readonly lost?: string };
  readonly calibration: CostModel;
  /** Of a cell in wall time. */
  readonly placement?: PlacementRun;
}

export function summarizeRun(result: RunResult, asked: Readonly<Record<string, unknown>>, seed: string): RunSummary {
  const { wire, stop, trace } = result;
  return {
    asked,
    seed,
    clockDomain: result.clockDomain,
    pacing: result.pacing,
    durationNs: result.durationNs,
    stop: {
      kind: stop.kind,
      sentence: stop.sentence,
      ...(stop.code === undefined ? {} : { code: stop.code }),
      ...(stop.limit === undefined ? {} : { limit: stop.limit }),
    },
    guests: result.guests.map((_, index) => summarizeGuest(new RunView(result, index))),
    wire: {
      received: wire.received,
      transmitted: wire.transmitted,
      overruns: wire.overruns,
      ...(wire.line === undefined ? {} : { line: wire.line }),
      ...(wire.urbs === undefined ? {} : { urbs: wire.urbs }),
      faults: wire.faults,
    },
    clocks: result.clocks,
    stations: result.stations ?? [],
    certification: result.certification,
    trace: summarizeTrace(trace),
    ...companionSummary(result),
    calibration: result.calibration,
    ...(result.placement === undefined ? {} : { placement: result.placement }),
  };
}

function summarizeTrace({ path, sha256, blocks, bytes }: TraceFile): TraceSummary {
  return { file: basename(path), sha256, blocks, bytes };
}

function companionSummary({ companion }: RunResult): Pick<RunSummary, 'companion'> {
  if (companion === undefined) return {};
  const { trace, lost } = companion;
  return {
    companion: {
      ...(trace === undefined ? {} : { trace: summarizeTrace(trace) }),
      ...(lost === undefined ? {} : { lost }),
    },
  };
}

function summarizeGuest(run: RunView): GuestSummary {
  const bounds = run.guestRun.interruptBounds;
  return {
    name: run.guestRun.name,
    instret: run.instret,
    exits: run.exits,
    reportsDropped: run.guestRun.reportsDropped ?? 0,
    consoleSha256: createHash('sha256').update(run.console).digest('hex'),
    channels: run.channelNames.map((name) => summarizeChannel(name, run.channel(name))),
    ...(bounds === undefined ? {} : { interrupts: summarizeInterrupts(run, bounds) }),
  };
}

function summarizeInterrupts(run: RunView, bounds: Readonly<Record<string, InterruptBound>>): InterruptSummary[] {
  return Object.keys(run.guestRun.interrupts ?? {}).map((name) => ({
    name,
    latencyNs: summarizeDistribution(run.interrupt(name).latency),
    ...(bounds[name] === undefined ? {} : { bound: bounds[name] }),
  }));
}

function summarizeChannel(name: string, channel: ChannelView): ChannelSummary {
  const { epochs } = channel;
  const timed = epochs.count > 0 ? epochs : channel;
  const { latency } = channel;
  return {
    name,
    reports: channel.count,
    epochs: timed.count,
    continuity: channel.continuity,
    rateHz: interval(timed.rate),
    jitterNs: summarizeDistribution(timed.jitter),
    ...(latency.count > 0 ? { latencyNs: summarizeDistribution(latency) } : {}),
    dataSha256: dataDigest(channel.reports),
  };
}

function summarizeDistribution(distribution: Distribution): DistributionSummary {
  return {
    count: distribution.count,
    p50: interval(distribution.p50),
    p99: interval(distribution.p99),
    p99_9: interval(distribution.p99_9),
    max: interval(distribution.max),
    rms: interval(distribution.rms),
  };
}

function interval(statistic: Statistic): Interval {
  const { value, low, high } = statistic.estimate;
  return { value: finite(value), low: finite(low), high: finite(high) };
}

/** JSON has no infinity and no NaN. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function dataDigest(reports: readonly GuestReport[]): string {
  const hash = createHash('sha256');
  for (const { type, sequence, fields } of reports) {
    const named = Object.keys(fields)
      .sort()
      .map((name) => [name, fields[name]]);
    hash.update(`${JSON.stringify([type, sequence, named])}\n`);
  }
  return hash.digest('hex');
}
