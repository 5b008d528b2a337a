/** The result of a finished run, certified from the trace it wrote. */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { ClockDomain } from '../../base/index.js';
import { traceInfo } from '../../hal/index.js';
import type { GuestImage } from '../../vmm/index.js';
import type {
  CompanionRun,
  PlacementRun,
  RunRequest,
  RunResult,
  StationPassage,
  StopReason,
  TraceFile,
} from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import { certificationMs, certify } from './certify.js';
import type { GuestUnit } from './guest-unit.js';
import type { OpenGuest } from './open-guest.js';
import { COMPANION, type RunAssembly } from './run-assembly.js';
import type { RunSource } from './run-source.js';

export interface ResultParts {
  readonly assembly: RunAssembly<GuestUnit>;
  readonly source: Pick<RunSource, 'pacing' | 'clocks' | 'truth' | 'scans'>;
  readonly stop: StopReason;
  readonly clockDomain: ClockDomain;
  readonly durationNs: number;
  /** How a cell's threads were placed on the host; absent for other runs. */
  readonly placement?: PlacementRun;
}

/** Everything that a run brought, before it is certified from its trace. */
export type RunEvidence = Omit<RunResult, 'cell' | 'certification' | 'trace' | 'calibration' | 'companion'> & {
  readonly tracePath: string;
  /** Of a companion in a cell of its own. */
  readonly companion?: { readonly tracePath?: string; readonly lost?: string };
  /** When the request asked for them. */
  readonly passages?: readonly StationPassage[];
};

/** The assembly is closed: its trace is complete. */
export function gatherEvidence(parts: ResultParts): RunEvidence {
  const { assembly, source, stop, clockDomain, durationNs, placement } = parts;
  const truth = source.truth(assembly.link.sentArrivals);
  return {
    clockDomain,
    pacing: source.pacing,
    durationNs,
    guests: assembly.guestRuns(),
    wire: assembly.wireRun(clockDomain === 'virtual' ? 1 : 1_000_000),
    ...(truth === undefined ? {} : { truth }),
    ...(source.scans === undefined ? {} : { scans: source.scans() }),
    clocks: source.clocks,
    stations: assembly.stations.summaries(),
    stop,
    ...(placement === undefined ? {} : { placement }),
    ...(assembly.stations.passages === undefined ? {} : { passages: assembly.stations.passages }),
    tracePath: assembly.tracePath,
  };
}

/** Runs the guests of the trace again and seals the result with what came of it. */
export async function certifiedResult(
  request: RunRequest,
  guest: OpenGuest,
  { tracePath, passages: _passages, companion: beside, ...evidence }: RunEvidence,
  calibration: Calibration | undefined,
  companion?: OpenGuest,
): Promise<RunResult> {
  const { cell, limits } = request;
  const imageOf = (name: string): GuestImage => (name === COMPANION ? (companion ?? guest) : guest).image;
  // What a lost companion has left cannot be complete.
  const other = beside?.lost === undefined ? beside?.tracePath : undefined;
  const whole = other === undefined ? [tracePath] : [tracePath, other];
  return {
    cell,
    ...evidence,
    certification: await certify(whole, imageOf, cell.engine, certificationMs(limits?.wallMs)),
    trace: traceFile(tracePath),
    ...(beside === undefined ? {} : { companion: companionRun(beside) }),
    calibration:
      calibration === undefined
        ? { name: 'measured', provenance: 'wall-clock run: times are measured on this host' }
        : {
            name: calibration.name,
            provenance: `${calibration.provenance.method}, ${calibration.provenance.cpu}, ${calibration.provenance.date}`,
            ...(calibration.prediction === undefined ? {} : { prediction: calibration.prediction }),
          },
  };
}

function traceFile(path: string): TraceFile {
  return { path, sha256: fileSha256(path), blocks: traceInfo(path).blocks, bytes: statSync(path).size };
}

function companionRun({ tracePath, lost }: NonNullable<RunEvidence['companion']>): CompanionRun {
  return {
    ...(tracePath === undefined ? {} : { trace: traceFile(tracePath) }),
    ...(lost === undefined ? {} : { lost }),
  };
}

function fileSha256(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  const file = openSync(path, 'r');
  try {
    for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer))
      hash.update(buffer.subarray(0, count));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
