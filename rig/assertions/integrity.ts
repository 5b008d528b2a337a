/** Assertions on what was lost, duplicated, reordered, rejected or not accounted for. */

import { RigError } from '../errors.js';
import { conservation } from '../metrics/integrity.js';
import { type Estimate, exactCount, VALID_EVERYWHERE } from '../metrics/measurement.js';
import { compareWithTruth } from '../metrics/position-truth.js';
import type { GuestReport } from '../run/run-types.js';
import type { RunView } from '../view/run-view.js';

export type CountKind = 'lost' | 'duplicated' | 'reordered';

/** Epochs sent so short before the end need not have been reported. */
const GUARD_NS = 1e9;

/**
 * What the run lost (or saw twice, or late), summed over all it can be seen by: gaps in each channel's sequence, reports
 * dropped by the guest, and, where the simulator knows the truth, epochs that no report names.
 */
export function countSamples(run: RunView, kind: CountKind): Estimate {
  const { reports } = run.guestRun;
  let found = kind === 'lost' ? (run.guestRun.reportsDropped ?? 0) : 0;
  for (const name of run.channelNames) found += run.channel(name).continuity[kind];
  const remarks: string[] = [];
  if (run.truth !== undefined && kind === 'lost') {
    const { missing } = compareWithTruth(dated(reports), run.truth, run.durationNs - GUARD_NS);
    found += missing.length;
    if (missing.length > 0) remarks.push(`first epoch missing: utcMs ${missing[0]}`);
  }
  if (kind === 'duplicated') found += repeatedEpochs(reports);
  if (kind === 'reordered') found += backwardEpochs(reports);
  const nothing = reports.length === 0 && found === 0;
  return {
    ...exactCount(`${kind} samples`, run.subject, nothing ? Number.NaN : found, reports.length, run.mode),
    ...(remarks.length > 0 ? { remark: remarks.join('; ') } : {}),
  };
}

export function lostCharacters(run: RunView): Estimate {
  const { received, overruns } = run.serial;
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
  const last = run.channel('counters').reports.at(-1);
  if (last === undefined || last.fields.bytes === undefined)
    throw new RigError('RIG_PLAN', 'the guest sent no counter of characters read', {
      where: 'counters.bytes',
      hint: 'the channel "counters" needs a field "bytes", and a run long enough to send it',
    });
  const { arrivalNs, overruns } = run.serial;
  const flow = conservation(arrivalNs, last.fields.bytes, overruns, last.guestTimeNs, allowanceNs);
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

function dated(reports: readonly GuestReport[]): GuestReport[] {
  return reports.filter(({ fields }) => fields.utcMs !== undefined);
}

/** Reports that repeat the time of measurement of an earlier one of the same source. */
function repeatedEpochs(reports: readonly GuestReport[]): number {
  const seen = new Set<string>();
  let repeated = 0;
  for (const { channel, fields } of dated(reports)) {
    if (fields.utcMs < 0) continue;
    const key = `${channel}/${fields.source}/${fields.utcMs}`;
    if (seen.has(key)) repeated++;
    seen.add(key);
  }
  return repeated;
}

/** Reports whose time of measurement lies before one that came earlier. */
function backwardEpochs(reports: readonly GuestReport[]): number {
  let latest = Number.NEGATIVE_INFINITY;
  let backward = 0;
  for (const { fields } of dated(reports)) {
    if (fields.utcMs < 0) continue;
    if (fields.utcMs < latest) backward++;
    latest = Math.max(latest, fields.utcMs);
  }
  return backward;
}
