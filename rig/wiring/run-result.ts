/** The result of a finished run, certified from the trace it wrote. */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { ClockDomain } from '../../base/index.js';
import { traceInfo } from '../../hal/index.js';
import type { RunRequest, RunResult, StopReason } from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import { certificationMs, certify } from './certify.js';
import type { OpenGuest } from './open-guest.js';
import { COMPANION, type RunAssembly } from './run-assembly.js';
import type { RunSource } from './run-source.js';

export interface ResultParts {
  readonly request: RunRequest;
  readonly guest: OpenGuest;
  readonly companion?: OpenGuest;
  readonly assembly: RunAssembly;
  readonly source: Pick<RunSource, 'pacing' | 'clocks' | 'truth' | 'scans'>;
  readonly stop: StopReason;
  readonly calibration: Calibration | undefined;
  readonly clockDomain: ClockDomain;
  readonly durationNs: number;
}

/** The assembly is closed: its trace is complete. */
export async function runResult(parts: ResultParts): Promise<RunResult> {
  const { request, guest, companion, assembly, source, stop, calibration } = parts;
  const truth = source.truth(assembly.link.sentArrivals);
  const certification = await certify(
    assembly.tracePath,
    (name) => (name === COMPANION ? (companion ?? guest) : guest).image,
    request.cell.engine,
    certificationMs(request.limits?.wallMs),
  );
  return {
    cell: request.cell,
    clockDomain: parts.clockDomain,
    pacing: source.pacing,
    durationNs: parts.durationNs,
    guests: assembly.guestRuns(),
    wire: assembly.wireRun(parts.clockDomain === 'virtual' ? 1 : 1_000_000),
    ...(truth === undefined ? {} : { truth }),
    ...(source.scans === undefined ? {} : { scans: source.scans() }),
    clocks: source.clocks,
    stations: assembly.stations.summaries(),
    certification,
    trace: {
      path: assembly.tracePath,
      sha256: fileSha256(assembly.tracePath),
      blocks: traceInfo(assembly.tracePath).blocks,
      bytes: statSync(assembly.tracePath).size,
    },
    stop,
    calibration:
      calibration === undefined
        ? { name: 'measured', provenance: 'wall-clock run: times are measured on this host' }
        : {
            name: calibration.name,
            provenance: `${calibration.provenance.method}, ${calibration.provenance.cpu}, ${calibration.provenance.date}`,
          },
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
