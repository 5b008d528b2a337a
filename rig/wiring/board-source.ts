/** The board of a run in virtual time: the profile's simulator, or a recording. */

import type { Random } from '../../base/index.js';
import {
  type BoardProfile,
  type BoardSimulator,
  createBoardSimulator,
  createReplayedBoard,
  HalError,
  type ReplayedBoard,
  type TraceFile,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { DeclaredClock, RunRequest, ScanEvidence } from '../run/run-types.js';
import { BoardLink, refuseImpossible } from './board-link.js';
import { type RunSource, refuseOtherDevice } from './run-source.js';
import { openInput } from './trace-files.js';

/** How the interface of a board is called in a trace. */
const BOARD_CHANNEL = 'board ';

/** The profile's simulator, or the recording that the request names. */
export function openBoardSource(request: RunRequest, profile: BoardProfile, random: Random): RunSource {
  refuseImpossible(request);
  return request.cell.binding === 'sim' ? simulated(request, profile, random) : replayed(request, profile);
}

function simulated(request: RunRequest, profile: BoardProfile, random: Random): RunSource {
  let board: BoardSimulator | undefined;
  return {
    link: (trace) =>
      new BoardLink(request, trace, (clock) => {
        board = createBoardSimulator(profile, request.simulator ?? {}, { clock, random: random.fork('device') });
        return board;
      }),
    pacing: 'modelled',
    clocks: boardClocks(profile),
    ended: () => false,
    truth: () => undefined,
    scans: () => (board === undefined ? [] : scansOf(board)),
  };
}

function replayed(request: RunRequest, profile: BoardProfile): RunSource {
  if (request.replayPath === undefined)
    throw new RigError('RIG_INPUT_MISSING', 'a run with binding "replay" needs a recording', {
      hint: 'give one with --recording FILE: a trace of a run with a board',
    });
  const trace = openInput(request.replayPath);
  refuseOtherDevice(trace.manifest, profile.name, request.replayPath);
  const parameters = profile.simulator?.parameters ?? {};
  refuseNoBoard(trace);
  let board: ReplayedBoard | undefined;
  return {
    link: (recorder) =>
      new BoardLink(request, recorder, (clock) => {
        board = createReplayedBoard(trace, { clock, parameters });
        return board;
      }),
    pacing: 'recorded',
    clocks: boardClocks(profile),
    ended: () => board?.ended ?? false,
    truth: () => undefined,
  };
}

/** `HAL_TRACE`, before anything is made for the run, when the trace holds no board, or several. */
function refuseNoBoard(trace: TraceFile): void {
  const boards = trace.interfaces.filter(({ name }) => name.startsWith(BOARD_CHANNEL)).length;
  if (boards === 1) return;
  throw new HalError('HAL_TRACE', `${trace.path} holds ${boards === 0 ? 'no recording' : 'recordings'} of a board`, {
    where: trace.path,
    hint: '"rig trace info" shows what it holds; a run with --profile rv-daq16 records one board',
  });
}

function boardClocks({ timing: { sampleClock } }: BoardProfile): DeclaredClock[] {
  return [
    { name: 'device', ppm: sampleClock?.ppm ?? 0, quantumNs: (sampleClock?.jitterUs ?? 0) * 1000 },
    { name: 'guest', ppm: 0, quantumNs: 100 },
    { name: 'stamps', ppm: 0, quantumNs: 1 },
  ];
}

/** A board behind UIO has no run of its own yet. */
export function noBoard(profile: BoardProfile, _binding: 'real'): RigError {
  return new RigError('RIG_USAGE', `${profile.name} is a board on a memory bus: real boards cannot be opened yet`, {
    where: profile.name,
    hint: 'use --binding sim, or --binding replay with a recording',
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
