/** What must hold of the GNSS logger under faults: characters and line errors are counted, fixes are right or their loss shows. */

import { NS_PER_MS } from '../../base/index.js';
import { type GnssEpoch, LINE_STATUS } from '../../hal/index.js';
import type { GuestReport } from '../run/run-types.js';
import { equal, must, ofChannel, type Tally } from './fault-checks.js';
import type { Played } from './fault-sequences.js';

/** Time that a character needs through the path to the guest's counters. */
const PATH_NS = 5 * NS_PER_MS;
/** The guest reports its counters once a second; in a partition when the next character comes, which an epoch of 200 ms may put off. */
const OVERRUN_BUDGET_MS = 1250;
/** How long delays and stalls in a row hold a character up at most. */
const HELD_NS = 400 * NS_PER_MS;
/** Half a unit of 1e-7 degrees, the coarsest that these receivers send, and rounding. */
const TOLERANCE_E9 = 51;

export function checkSerial(played: Played, tally: Tally): void {
  checkCharacters(played);
  checkCounters(played);
  checkOverruns(played, tally);
  checkPosition(played);
  checkFixes(played, tally);
  tally.replugs += played.faults.filter(({ kind }) => kind === 'replug').length;
}

/** What came to the injector and what left it differ by what was injected. */
function checkCharacters(played: Played): void {
  let expected = played.sentBytes;
  for (const { kind, count } of played.faults) {
    if (kind === 'drop' || kind === 'overrun') expected -= count;
    if (kind === 'duplicate') expected += count;
  }
  const got = played.received.length;
  if (!played.faults.some(({ kind }) => kind === 'unplug')) equal(got, expected, 'characters behind the injector');
  else must(got <= played.sentBytes + expected, () => `${got} characters, more than ${expected} came`);
}

/** The guest's counts at its last report against what had come then. */
function checkCounters(played: Played): void {
  const report = ofChannel(played, 'counters').at(-1);
  must(report !== undefined, () => 'no counters were reported');
  if (report === undefined) return;
  const { fields, reportedAtNs } = report;
  const before = (ns: number) => played.received.filter(({ atNs }) => atNs <= ns).length;
  const flags = (bit: number, untilNs = reportedAtNs) =>
    played.received.filter(({ lineStatus, atNs }) => (lineStatus & bit) !== 0 && atNs <= untilNs).length;
  // A virtio console has no line: it takes a break for no character, and its frontend counts it.
  const breaks = played.sequence.frontend === 'paravirtual' ? flags(LINE_STATUS.break) : 0;
  const counted = fields.bytes + breaks + played.lost - flags(LINE_STATUS.overrun, Number.POSITIVE_INFINITY);
  const least = before(reportedAtNs - PATH_NS);
  const most = before(reportedAtNs);
  must(counted >= least && counted <= most, () => `${counted} characters counted or lost, of ${least} to ${most}`);
  if (played.sequence.frontend === 'paravirtual') return;
  equal(fields.parityErrors, flags(LINE_STATUS.parity), 'parity errors');
  equal(fields.framingErrors, flags(LINE_STATUS.framing), 'framing errors');
  equal(fields.breaks, flags(LINE_STATUS.break), 'breaks');
  must(fields.overruns >= flags(LINE_STATUS.overrun), () => `${fields.overruns} overruns told of`);
}

/** Every overrun is in the counters at most a report's period later; a virtio console has none. */
function checkOverruns(played: Played, tally: Tally): void {
  if (played.sequence.frontend === 'paravirtual') return;
  const reports = ofChannel(played, 'counters');
  const overruns = played.received.filter(({ lineStatus }) => (lineStatus & LINE_STATUS.overrun) !== 0);
  overruns.forEach(({ atNs }, i) => {
    const told = reports.find(({ reportedAtNs, fields }) => reportedAtNs >= atNs && fields.overruns > i);
    const tookMs = ((told?.reportedAtNs ?? Number.POSITIVE_INFINITY) - atNs) / NS_PER_MS;
    must(tookMs <= OVERRUN_BUDGET_MS, () => `the overrun at ${atNs} ns was told of ${tookMs} ms late`);
    tally.overruns++;
    tally.worstOverrunMs = Math.max(tally.worstOverrunMs, tookMs);
  });
}

/** To the character: behind the faults, a fix lies in the guest's stream where its message lies in the device's, less what was lost. */
function checkPosition(played: Played): void {
  const fix = ofChannel(played, 'fix').at(-1);
  const epoch = played.epochs.find(({ utcMs }) => utcMs === fix?.fields.utcMs);
  must(fix !== undefined && epoch !== undefined, () => 'the last fix is that of no epoch');
  const flags = (bit: number) => played.received.filter(({ lineStatus }) => (lineStatus & bit) !== 0).length;
  const taken = played.sequence.frontend === 'paravirtual' ? flags(LINE_STATUS.break) : 0;
  const unread = played.lost - flags(LINE_STATUS.overrun) + taken;
  const shift = played.received.length - played.sentBytes - unread;
  const ends = epoch?.messages.map(({ byteEnd }) => byteEnd + shift) ?? [];
  const at = fix?.fields.streamOffset ?? 0;
  must(ends.includes(at), () => `the last fix has the position ${at} in the guest's stream, not one of ${ends.join()}`);
}

function isRight({ fields }: GuestReport, epochs: readonly GnssEpoch[]): boolean {
  return epochs.some(
    ({ utcMs, latE9, lonE9 }) =>
      (fields.utcMs < 0 || fields.utcMs === utcMs) &&
      Math.abs(fields.latE9 - latE9) <= TOLERANCE_E9 &&
      Math.abs(fields.lonE9 - lonE9) <= TOLERANCE_E9,
  );
}

function checkFixes(played: Played, tally: Tally): void {
  const fixes = ofChannel(played, 'fix');
  const wrong = fixes.filter((fix) => !isRight(fix, played.epochs));
  const strikes = played.faults.filter(({ kind }) => kind !== 'delay' && kind !== 'stall' && kind !== 'replug');
  for (const { reportedAtNs, fields } of wrong) {
    // A sum of eight bits vouches for no more than one damaged bit in each of its columns.
    const near = strikes.filter(({ atNs }) => atNs <= reportedAtNs && atNs >= reportedAtNs - 250 * NS_PER_MS);
    const amount = near.reduce((sum, { kind, count }) => sum + (kind === 'unplug' ? 2 : count), 0);
    must(amount >= 2, () => `a fix is wrong at ${reportedAtNs} ns: ${JSON.stringify(fields)}`);
    tally.undetectable++;
  }
  const counters = ofChannel(played, 'counters').at(-1)?.fields ?? {};
  const signs = Object.entries(counters).reduce((sum, [name, count]) => sum + (SIGNS.includes(name) ? count : 0), 0);
  for (const epoch of played.epochs) {
    const sentNs = played.sentNs[epoch.byteEnd - 1];
    if (sentNs === undefined || sentNs > played.sequence.durationNs - 150 * NS_PER_MS) continue;
    if (fixes.some((fix) => isRight(fix, [epoch]))) continue;
    const struck = strikes.filter((strike) => touches(strike, epoch, played));
    must(struck.length > 0, () => `the fix of epoch ${epoch.index} is missing, and nothing was done to it`);
    must(
      signs > 0 || struck.some(({ kind, count }) => kind === 'unplug' || count > 1),
      () => `the fix of epoch ${epoch.index} is missing without a sign`,
    );
  }
}

const SIGNS = [
  'nmeaChecksumErrors',
  'nmeaMalformed',
  'ubxChecksumErrors',
  'resyncs',
  'skippedBytes',
  'overruns',
  'parityErrors',
  'framingErrors',
  'breaks',
];

function touches(strike: Played['faults'][number], epoch: GnssEpoch, played: Played): boolean {
  const isPull = strike.kind === 'unplug';
  const from = isPull ? heldIndex(strike, played) : strike.index;
  const to = isPull ? replugIndex(strike, played) : strike.index + strike.count;
  return from < epoch.byteEnd && to > epoch.byteStart - 1;
}

/** Number of the first character that may have been held up when the cable was pulled: it is lost with the others. */
function heldIndex(pull: Played['faults'][number], played: Played): number {
  const holds = played.faults.filter(
    ({ kind, atNs }) => (kind === 'delay' || kind === 'stall') && atNs <= pull.atNs && atNs > pull.atNs - HELD_NS,
  );
  return Math.min(pull.index, ...holds.map(({ index }) => index));
}

/** Number of the character that came first after the cable was back. */
function replugIndex(pull: Played['faults'][number], played: Played): number {
  return (
    played.faults.find(({ kind, atNs }) => kind === 'replug' && atNs > pull.atNs)?.index ?? Number.POSITIVE_INFINITY
  );
}
