/** The board of a run: the profile's simulator, in virtual time. */

import { type ClockDomain, NS_PER_MS, type Random } from '../../base/index.js';
import { type BoardProfile, type BoardSimulator, createBoardSimulator } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { DeclaredClock, RunRequest, ScanEvidence } from '../run/run-types.js';
import { BoardLink, refuseImpossible } from './board-link.js';
import type { RunSource } from './run-source.js';

/** `RIG_USAGE` for a binding to a recording. */
export function openBoardSource(request: RunRequest, profile: BoardProfile, random: Random): RunSource {
  if (request.cell.binding !== 'sim') throw noRecording(profile);
  refuseImpossible(request);
  let board: BoardSimulator | undefined;
  return {
    link: (trace) =>
      new BoardLink(request, trace, (clock) => {
        board = createBoardSimulator(profile, request.simulator ?? {}, { clock, random: random.fork('device') });
        return board;
      }),
    pacing: 'modelled',
    clocks: boardClocks(profile, 'virtual'),
    ended: () => false,
    truth: () => undefined,
    scans: () => (board === undefined ? [] : scansOf(board)),
  };
}

/** In wall time a board's sample clock is what its data sheet promises, and stamps are as good as the host's. */
export function boardClocks({ timing }: BoardProfile, domain: ClockDomain): DeclaredClock[] {
  const { sampleClock } = timing;
  return [
    { name: 'device', ppm: sampleClock?.ppm ?? 0, quantumNs: (sampleClock?.jitterUs ?? 0) * 1000 },
    { name: 'guest', ppm: 0, quantumNs: 100 },
    // A host's clock is off by tens of ppm, and its event loop turns once in a millisecond or so.
    domain === 'wall' ? { name: 'stamps', ppm: 100, quantumNs: NS_PER_MS } : { name: 'stamps', ppm: 0, quantumNs: 1 },
  ];
}

function noRecording(profile: BoardProfile): RigError {
  const what = 'a recording holds what a board did, not what it would have done for another guest';
  return new RigError('RIG_USAGE', `${profile.name} is a board on a memory bus: ${what}`, {
    where: profile.name,
    hint: 'use --binding sim',
  });
}

function scansOf({ runs }: BoardSimulator): ScanEvidence[] {
  return runs.map(({ overrunNs, startNs, periodNs, channels, scans, code }) => ({
    startNs,
    periodNs,
    channels,
    scans,
    ...(overrunNs === undefined ? {} : { overrunNs }),
    code,
  }));
}
