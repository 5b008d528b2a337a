/** The board of a run: the profile's simulator, in virtual time. */

import type { Random } from '../../base/index.js';
import { type BoardProfile, type BoardSimulator, createBoardSimulator } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { RunRequest, ScanEvidence } from '../run/run-types.js';
import { BoardLink, refuseImpossible } from './board-link.js';
import type { RunSource } from './run-source.js';

/** `RIG_USAGE` for a binding to a real board or to a recording. */
export function openBoardSource(request: RunRequest, profile: BoardProfile, random: Random): RunSource {
  if (request.cell.binding !== 'sim') throw noBoard(profile, request.cell.binding);
  refuseImpossible(request);
  const { sampleClock } = profile.timing;
  let board: BoardSimulator | undefined;
  return {
    link: (trace) =>
      new BoardLink(request, trace, (clock) => {
        board = createBoardSimulator(profile, request.simulator ?? {}, { clock, random: random.fork('device') });
        return board;
      }),
    pacing: 'modelled',
    clocks: [
      { name: 'device', ppm: sampleClock?.ppm ?? 0, quantumNs: (sampleClock?.jitterUs ?? 0) * 1000 },
      { name: 'guest', ppm: 0, quantumNs: 100 },
      { name: 'stamps', ppm: 0, quantumNs: 1 },
    ],
    ended: () => false,
    truth: () => undefined,
    scans: () => (board === undefined ? [] : scansOf(board)),
  };
}

/** A board is bound to its simulator alone, so far. */
export function noBoard(profile: BoardProfile, binding: 'real' | 'replay'): RigError {
  const what =
    binding === 'real'
      ? 'real boards cannot be opened yet'
      : 'a recording holds what a board did, not what it would have done for another guest';
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
