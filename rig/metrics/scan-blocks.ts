/** Samples that guests report by the block of scans, or numbered one by one: continuity, and equality with what a simulated converter gave. */

import type { GuestReport, ScanEvidence } from '../run/run-types.js';
import { counterContinuity } from './integrity.js';

/** What reports say of samples that carry no time of their own. */
export interface StreamCount {
  /** Samples reported. */
  readonly samples: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

/** A report of a block: scans `firstScan` to `firstScan + scans - 1` of the guest's run `run`. */
export function isBlock({ fields }: GuestReport): boolean {
  return fields.firstScan !== undefined && fields.scans !== undefined && fields.sum !== undefined;
}

function isNumbered({ fields }: GuestReport): boolean {
  return fields.sequence !== undefined && fields.streamOffset !== undefined;
}

/** Blocks must follow each other without a gap in each run; what the guest itself found missing inside one counts too. */
export function countBlocks(reports: readonly GuestReport[]): StreamCount {
  let samples = 0;
  let lost = 0;
  let duplicated = 0;
  let reordered = 0;
  const nextOf = new Map<number, number>();
  for (const { fields } of reports) {
    const { run = 0, firstScan, scans, gaps = 0 } = fields;
    const next = nextOf.get(run) ?? 0;
    samples += scans;
    lost += gaps + Math.max(0, firstScan - next);
    if (firstScan < next && firstScan + scans > next) duplicated += next - firstScan;
    else if (firstScan + scans <= next) reordered += scans;
    nextOf.set(run, Math.max(next, firstScan + scans));
  }
  return { samples, lost, duplicated, reordered };
}

/** Blocks and numbered samples of a guest, together. */
export function countStream(reports: readonly GuestReport[]): StreamCount {
  const blocks = countBlocks(reports.filter(isBlock));
  const numbered = counterContinuity(
    reports.filter((report) => !isBlock(report) && isNumbered(report)).map(({ fields }) => fields.sequence),
    32,
  );
  return {
    samples: blocks.samples + numbered.count,
    lost: blocks.lost + numbered.lost,
    duplicated: blocks.duplicated + numbered.duplicated,
    reordered: blocks.reordered + numbered.reordered,
  };
}

/** Scans that the converter took by `beforeNs` and no block reports. The guest numbers its runs from 1, one for each scan that it started. */
export function scansMissing(
  reports: readonly GuestReport[],
  evidence: readonly ScanEvidence[],
  beforeNs: number,
): number {
  const reported = new Map<number, number>();
  for (const { fields } of reports.filter(isBlock))
    reported.set(fields.run, Math.max(reported.get(fields.run) ?? 0, fields.firstScan + fields.scans));
  let missing = 0;
  for (const [index, { startNs, periodNs, scans }] of evidence.entries()) {
    const due = Math.min(scans, Math.max(0, Math.floor((beforeNs - startNs) / periodNs)));
    missing += Math.max(0, due - (reported.get(index + 1) ?? 0));
  }
  return missing;
}

export interface BlockComparison {
  /** Blocks whose scans the converter took. */
  readonly compared: number;
  /** Samples in them. */
  readonly samples: number;
  /** Blocks that do not hold what the converter gave, and those of scans that it never took. */
  readonly different: number;
  /** The first of these, for a person. */
  readonly first: string | undefined;
}

/** Sum, sum of sums, least and greatest code of every block, against those of the converter's codes. */
export function compareBlocks(reports: readonly GuestReport[], evidence: readonly ScanEvidence[]): BlockComparison {
  let compared = 0;
  let samples = 0;
  let different = 0;
  let first: string | undefined;
  for (const report of reports.filter(isBlock)) {
    const { run, firstScan, scans } = report.fields;
    const scan = evidence[run - 1];
    const difference =
      scan === undefined || firstScan + scans > scan.scans
        ? 'the converter never took these scans'
        : blockDifference(report, scan);
    compared++;
    samples += scans * (scan?.channels.length ?? 0);
    if (difference === undefined) continue;
    different++;
    first ??= `scans ${firstScan} to ${firstScan + scans - 1} of run ${run}: ${difference}`;
  }
  return { compared, samples, different, first };
}

function blockDifference({ fields }: GuestReport, scan: ScanEvidence): string | undefined {
  const { channels } = scan;
  const least = channels.map(() => 0xffff);
  const most = channels.map(() => 0);
  let sum = 0;
  let sumOfSums = 0;
  for (let index = fields.firstScan; index < fields.firstScan + fields.scans; index++)
    for (const [place, channel] of channels.entries()) {
      const code = scan.code(channel, index);
      sum = (sum + code) >>> 0;
      sumOfSums = (sumOfSums + sum) >>> 0;
      if (code < least[place]) least[place] = code;
      if (code > most[place]) most[place] = code;
    }
  if (fields.sum !== sum) return `their sum is ${fields.sum} instead of ${sum}`;
  if (fields.sumOfSums !== undefined && fields.sumOfSums !== sumOfSums) return 'their order is another';
  for (const place of channels.keys()) {
    const [min, max] = [fields[`min${place}`], fields[`max${place}`]];
    if ((min ?? least[place]) !== least[place] || (max ?? most[place]) !== most[place])
      return `channel ${channels[place]} goes from ${min} to ${max} instead of ${least[place]} to ${most[place]}`;
  }
  return undefined;
}
