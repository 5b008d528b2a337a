/** Assertions on what was lost, duplicated, reordered, rejected or not accounted for. */

import { RigError } from '../errors.js';
import { conservation } from '../metrics/integrity.js';
import { type Estimate, exactCount, shortNumber, VALID_EVERYWHERE } from '../metrics/measurement.js';
import { compareWithTruth } from '../metrics/position-truth.js';
import { countStream, scansMissing } from '../metrics/scan-blocks.js';
import { differences } from '../metrics/statistics.js';
import type { GuestReport } from '../run/run-types.js';
import type { RunView } from '../view/run-view.js';

export type CountKind = 'lost' | 'duplicated' | 'reordered';

/** Epochs sent so short before the end need not have been reported. */
const GUARD_NS = 1e9;

/** Scans taken so short before the end may still be in the converter's FIFO or on their way. */
const SCAN_GUARD_NS = 0.25e9;

/** Of the periods between samples; a source that is silent for longer at the end has stopped. */
const SILENT_PERIODS = 3;

/**
 * What the run lost (or saw twice, or late), summed over all it can be seen by: gaps in each channel's sequence, reports
 * dropped by the guest, holes between its blocks of scans, a silence at the end, and, where the simulator knows the truth,
 * epochs and scans that no report names.
 * `RIG_NO_EVIDENCE` when there is neither a sample (a report with a time of measurement) nor anything lost.
 */
export function countSamples(run: RunView, kind: CountKind): Estimate {
  const { reports } = run.guestRun;
  const samples = dated(reports);
  let found = kind === 'lost' ? (run.guestRun.reportsDropped ?? 0) : 0;
  for (const name of run.channelNames) found += run.channel(name).continuity[kind];
  const stream = countStream(reports);
  found += stream[kind];
  const remarks: string[] = [];
  if (run.result.scans !== undefined && kind === 'lost') {
    const missing = scansMissing(reports, run.result.scans, run.durationNs - SCAN_GUARD_NS);
    found += missing;
    if (missing > 0) remarks.push(`${missing} scans that the converter took were never reported`);
  }
  if (run.truth !== undefined && kind === 'lost') {
    const { missing } = compareWithTruth(samples, run.truth, run.durationNs - GUARD_NS);
    found += missing.length;
    if (missing.length > 0) remarks.push(`first epoch missing: utcMs ${missing[0]}`);
  }
  if (kind === 'lost') {
    const silence = silenceAtEnd(run, samples);
    // Epochs that the truth names are counted by now.
    if (silence.periods > 0 && remarks.length === 0) found += silence.periods;
    if (silence.periods > 0) remarks.push(silence.sentence);
  }
  if (kind === 'duplicated') found += repeatedEpochs(samples);
  if (kind === 'reordered') found += backwardEpochs(samples);
  if (samples.length + stream.samples === 0 && found === 0)
    throw new RigError('RIG_NO_EVIDENCE', `${run.subject} has no sample, so nothing shows that none was ${kind}`, {
      hint: 'a sample is a report whose field utcMs tells when it was measured, one with a sequence, or a block of scans; see the console of the guest',
    });
  return {
    ...exactCount(`${kind} samples`, run.subject, found, samples.length + stream.samples, run.mode),
    ...(remarks.length > 0 ? { remark: remarks.join('; ') } : {}),
  };
}

interface Silence {
  /** Samples that should have come since the last one; 0 when it is no silence. */
  readonly periods: number;
  readonly sentence: string;
}

/** Whether input went on for longer after the last sample than the median interval of the samples explains. */
function silenceAtEnd(run: RunView, samples: readonly GuestReport[]): Silence {
  const firsts = new Map<number, number>();
  for (const { fields, causeNs, reportedAtNs } of samples)
    if (!firsts.has(fields.utcMs)) firsts.set(fields.utcMs, causeNs ?? reportedAtNs);
  const times = [...firsts.values()].sort((a, b) => a - b);
  const intervals = differences(times).sort();
  const lastNs = times.at(-1);
  if (intervals.length === 0 || lastNs === undefined) return { periods: 0, sentence: '' };
  const periodNs = intervals[intervals.length >> 1];
  const silentNs = endOfInputNs(run) - lastNs;
  if (periodNs <= 0 || silentNs <= SILENT_PERIODS * periodNs) return { periods: 0, sentence: '' };
  const seconds = (ns: number): string => `${shortNumber(ns / 1e9, 6)} s`;
  const sentence = `silent since ${seconds(lastNs)}, for ${seconds(silentNs)} of input`;
  return { periods: Math.floor(silentNs / periodNs), sentence };
}

/** When the last epoch with a fix was sent, where that is known; otherwise the last character on the wire. */
function endOfInputNs(run: RunView): number {
  if (run.truth === undefined) {
    const { arrivals } = run.wire;
    return arrivals.length === 0 ? Number.NEGATIVE_INFINITY : arrivals.timeOf(arrivals.length - 1);
  }
  let last = Number.NEGATIVE_INFINITY;
  for (const { mode, sentNs } of run.truth)
    if (mode >= 2 && sentNs !== undefined && sentNs <= run.durationNs) last = Math.max(last, sentNs);
  return last;
}

export function lostCharacters(run: RunView): Estimate {
  const { received, overruns } = run.wire;
  const value = received === 0 ? Number.NaN : overruns;
  return exactCount('lost characters', 'the line', value, received, run.mode);
}

/** The guest's own count of messages with a wrong checksum: every counter whose name ends in `ChecksumErrors`. */
export function checksumErrors(run: RunView): Estimate {
  const counters = run.counters ?? {};
  const names = Object.keys(counters).filter((name) => name.endsWith('ChecksumErrors'));
  if (names.length === 0)
    throw new RigError('RIG_PLAN', 'the guest sent no counter of checksum errors', {
      where: 'counters',
      hint: 'the channel "counters" needs a field whose name ends in ChecksumErrors, and a run long enough to send it',
    });
  const errors = names.reduce((sum, name) => sum + counters[name], 0);
  const messages = Object.keys(counters).filter((name) => name.endsWith('Ok'));
  const checked = messages.reduce((sum, name) => sum + counters[name], errors);
  return exactCount('checksum errors', run.subject, checked === 0 ? Number.NaN : errors, checked, run.mode);
}

/** Characters that arrived and are neither read, nor reported lost, nor possibly on their way. */
export function unaccountedCharacters(run: RunView, allowanceNs: number): Estimate {
  const last = run.lastCounters;
  if (last === undefined || last.fields.bytes === undefined)
    throw new RigError('RIG_PLAN', 'the guest sent no counter of characters read', {
      where: 'counters.bytes',
      hint: 'the channel "counters" needs a field "bytes", and a run long enough to send it',
    });
  const { arrivals, overruns } = run.wire;
  const flow = conservation(arrivals, last.fields.bytes, overruns, last.guestTimeNs, allowanceNs);
  const missing = flow.missing > 0 ? Math.max(0, flow.missing - flow.inFlight) : flow.missing;
  return {
    ...exactCount('unaccounted characters', run.subject, missing, flow.arrived, run.mode),
    remark: `${flow.arrived} arrived, ${flow.read} read, ${flow.reportedLost} reported lost, up to ${flow.inFlight} on their way`,
  };
}

export function certified(run: RunView): Estimate {
  const { certification } = run.result;
  return {
    ...exactCount('replay differences', 'certification', certification.certified ? 0 : 1, 1, run.mode),
    validity: VALID_EVERYWHERE,
    remark: certification.sentence,
  };
}

/** Samples: reports that say when they were measured. */
function dated(reports: readonly GuestReport[]): GuestReport[] {
  return reports.filter(({ fields }) => fields.utcMs >= 0);
}

/** Reports that repeat the time of measurement of an earlier one of the same source. */
function repeatedEpochs(samples: readonly GuestReport[]): number {
  const seen = new Set<string>();
  let repeated = 0;
  for (const { channel, fields } of samples) {
    const key = `${channel}/${fields.source}/${fields.utcMs}`;
    if (seen.has(key)) repeated++;
    seen.add(key);
  }
  return repeated;
}

/** Reports whose time of measurement lies before one that came earlier. */
function backwardEpochs(samples: readonly GuestReport[]): number {
  let latest = Number.NEGATIVE_INFINITY;
  let backward = 0;
  for (const { fields } of samples) {
    if (fields.utcMs < latest) backward++;
    latest = Math.max(latest, fields.utcMs);
  }
  return backward;
}
