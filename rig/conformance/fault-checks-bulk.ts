/** What must hold of the scan logger under faults: every byte is accounted for, gaps are told of, overruns in time. */

import { NS_PER_MS } from '../../base/index.js';
import type { ScanTruth } from '../../hal/index.js';
import type { GuestReport } from '../run/run-types.js';
import { checkUsbEvents, EVENT, equal, must, ofChannel, type Tally } from './fault-checks.js';
import type { Played } from './fault-sequences.js';

const DATA = 0x81;
/** How long the FIFO of 65,536 bytes lasts at 800,000 bytes a second: 82 ms, the shortest there is. */
const OVERRUN_BUDGET_NS = 82 * NS_PER_MS;

const GAPS: Readonly<Record<string, number>> = { drop: 1, corrupt: 2 };

interface Run {
  readonly number: number;
  readonly channels: number;
  /** Number of its first byte among all that the guest received. */
  readonly start: number;
  readonly startedNs: number;
  readonly truth: ScanTruth | undefined;
  readonly blocks: readonly GuestReport[];
  scans: number;
}

export function checkBulk(played: Played, tally: Tally): void {
  checkUsbEvents(played, tally);
  const data = played.transfers.filter(({ endpointAddress, completedNs }) => endpointAddress === DATA && completedNs);
  const bytes = Buffer.concat(data.map((transfer) => transfer.data));
  const counters = ofChannel(played, 'counters').at(-1)?.fields ?? {};
  equal(counters.bytes, bytes.length, 'bytes that the guest counted');
  const dropped = played.faults.reduce((sum, { kind, count }) => sum + (kind === 'drop' ? count : 0), 0);
  equal(bytes.length + dropped, played.sentBytes, 'bytes seen and dropped');
  const runs = runsOf(played);
  let used = 0;
  let gaps = 0;
  for (const run of runs) {
    gaps += checkRun(run, bytes, mostGaps(run));
    used += 2 * run.channels * run.scans;
  }
  equal(counters.gaps, gaps, 'gaps that the guest counted');
  const drained = ofChannel(played, 'setup').reduce((sum, { fields }) => sum + fields.drained, 0);
  const rest = bytes.length - used - drained - counters.discarded;
  // What was neither used nor thrown away: a scan cut short once a run, and what was drained before a start that failed.
  const most = runs.reduce((sum, { channels }) => sum + 2 * channels, 0);
  const failed = ofChannel(played, 'events').some(({ fields }) => fields.kind === EVENT.requestFailed);
  must(rest >= 0 && (failed || rest <= most), () => `${rest} bytes that nobody tells of`);
  checkEnds(played, runs);
  checkOverruns(played, runs, tally);

  /** What is dropped leaves one gap, and a bit that is wrong two: before its sample and behind it. */
  function mostGaps(run: Run): number {
    const next = runs[runs.indexOf(run) + 1]?.startedNs ?? Number.POSITIVE_INFINITY;
    return played.faults
      .filter(({ atNs }) => atNs >= (run.truth?.startNs ?? run.startedNs) && atNs < next)
      .reduce((sum, { kind }) => sum + (GAPS[kind] ?? 0), 0);
  }
}

function runsOf(played: Played): Run[] {
  const blocks = ofChannel(played, 'blocks');
  const events = ofChannel(played, 'events');
  const scans = played.device?.model === 'mcc-usb-1608fs-plus' ? played.device.scans : [];
  return ofChannel(played, 'setup').map(({ fields, reportedAtNs }) => {
    const started = events.find((event) => event.fields.kind === EVENT.started && event.fields.run === fields.run);
    return {
      number: fields.run,
      channels: fields.channels,
      start: started?.fields.streamOffset ?? Number.NaN,
      startedNs: reportedAtNs,
      truth: scans.filter(({ startNs }) => startNs <= reportedAtNs).at(-1),
      blocks: blocks.filter((block) => block.fields.run === fields.run),
      scans: 0,
    };
  });
}

/** Blocks say exactly what came; and what came is what the device sampled, unless damage was injected. Answers the gaps. */
function checkRun(run: Run, bytes: Buffer, mostGaps: number): number {
  let gaps = 0;
  let last = 0xffff;
  let wrong = 0;
  for (const { fields } of run.blocks) {
    equal(fields.firstScan, run.scans, `first scan of a block of run ${run.number}`);
    let sum = 0;
    let found = 0;
    const from = run.scans * run.channels;
    for (let i = from; i < from + fields.scans * run.channels; i++) {
      const value = bytes.readUInt16LE(run.start + 2 * i);
      if (value !== ((last + 1) & 0xffff)) found++;
      if (value !== (i & 0xffff)) wrong++;
      last = value;
      sum = (sum + value) >>> 0;
    }
    equal(fields.sum, sum, `sum of the block at scan ${run.scans} of run ${run.number}`);
    equal(fields.gaps, found, `gaps in the block at scan ${run.scans} of run ${run.number}`);
    gaps += found;
    run.scans += fields.scans;
  }
  must(mostGaps > 0 || wrong === 0, () => `${wrong} samples of run ${run.number} are wrong, and nothing was damaged`);
  must(gaps <= mostGaps, () => `${gaps} gaps in run ${run.number}, and no more than ${mostGaps} were injected`);
  equal(gaps > 0, wrong > 0, `gaps are told of in run ${run.number}`);
  return gaps;
}

const ENDS: readonly number[] = [
  EVENT.unplugged,
  EVENT.requestFailed,
  EVENT.transferFailed,
  EVENT.stall,
  EVENT.overrun,
  EVENT.silent,
];

/** A run ends with an event that says where. */
function checkEnds(played: Played, runs: readonly Run[]): void {
  const events = ofChannel(played, 'events').filter(({ fields }) => ENDS.includes(fields.kind));
  for (const { number, scans } of runs)
    must(
      events.some(({ fields }) => fields.run === number && fields.position === scans),
      () => `no event tells of the end of run ${number} at scan ${scans}`,
    );
}

/** Until when what the endpoint says cannot reach the guest: a delayed transfer is in front of it. */
function reachableNs(played: Played, fromNs: number): number {
  let reachable = fromNs;
  const delays = (played.sequence.faults.events ?? []).filter(({ kind }) => kind === 'delay');
  const longest = delays.reduce((most, { durationNs = 0 }) => Math.max(most, durationNs), 0);
  for (const { kind, atNs } of played.faults)
    if (kind === 'delay' && atNs <= reachable && atNs + longest > reachable) reachable = atNs + longest;
  return reachable;
}

function checkOverruns(played: Played, runs: readonly Run[], tally: Tally): void {
  const events = ofChannel(played, 'events');
  for (const { truth, number } of runs) {
    if (truth?.overrunNs === undefined) continue;
    const overrunNs = truth.overrunNs;
    const mine = events.filter(({ fields }) => fields.run === number && ENDS.includes(fields.kind));
    // The scan may have been given up before; it then overran while nobody read it.
    if (mine.some(({ reportedAtNs }) => reportedAtNs <= overrunNs)) continue;
    const told = mine.find(({ reportedAtNs }) => reportedAtNs > overrunNs);
    const tookNs = (told?.reportedAtNs ?? Number.POSITIVE_INFINITY) - reachableNs(played, overrunNs);
    must(tookNs <= OVERRUN_BUDGET_NS, () => `the overrun at ${overrunNs} ns was told of ${tookNs} ns late`);
    must(
      told?.fields.kind === EVENT.overrun ||
        told?.fields.kind === EVENT.unplugged ||
        told?.fields.kind === EVENT.transferFailed,
      () => `the overrun at ${overrunNs} ns was told of as event ${told?.fields.kind}`,
    );
    if (told?.fields.kind !== EVENT.overrun) continue;
    tally.overruns++;
    tally.worstOverrunMs = Math.max(tally.worstOverrunMs, tookNs / NS_PER_MS);
  }
}
