/** The board of a run in virtual time: the profile's simulator, or a recording. */

import { type ClockDomain, NS_PER_MS, type Random } from '../../base/index.js';
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
    clocks: boardClocks(profile, 'virtual'),
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
