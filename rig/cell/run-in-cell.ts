/** Starts the process of a cell, lets it perform a run, and answers for it when it dies. */

import { HalError, type HardwareProfile, HostProcess } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { RunRequest } from '../run/run-types.js';
import type { RunEvidence } from '../wiring/run-result.js';
import type { CellAnswer, CellEvent, CellMessage, CellRequests, PairSeat } from './cell-protocol.js';
import { ForeignError, fromPlain } from './evidence-codec.js';

/**
 * Room in which new objects of the cell's threads gather before a collection, so that collections become rare. Its threads
 * collect what their start left behind before the guest runs: the first collection would copy all of that, 20 ms or so.
 */
const NODE_OPTIONS = ['--max-semi-space-size=64', '--min-semi-space-size=64', '--expose-gc'];

/** Of a cell beside another. */
export interface PairedCell {
  readonly seat: PairSeat;
  /** This one is ready; resolves when both are to begin. */
  readonly ready: () => Promise<void>;
}

/**
 * Rejects with the error that the run had in the cell, or with `RIG_CELL_LOST` when its process ended or gave no sign of
 * life; what the trace held by then is kept. A cell takes nothing else down with it. `started` is told of its process.
 */
export async function runInCell(
  request: RunRequest,
  profile: HardwareProfile | undefined,
  started?: (pid: number | undefined) => void,
  pair?: PairedCell,
): Promise<RunEvidence> {
  const { abort, progress, ...plain } = request;
  const name = profile?.name ?? request.guest;
  const cell = new HostProcess<CellRequests, CellEvent, CellMessage>({
    where: `the cell of ${name}`,
    module: new URL('./cell-main.js', import.meta.url),
    nodeOptions: NODE_OPTIONS,
  });
  started?.(cell.pid);
  cell.onEvent = (event) => {
    if ('progress' in event) progress?.(event.progress);
    else void pair?.ready().then(() => cell.send({ begin: true }));
  };
  const stop = (): void => cell.send({ abort: true });
  abort?.addEventListener('abort', stop);
  if (abort?.aborted === true) stop();
  const order = {
    request: plain,
    ...(profile === undefined ? {} : { profile }),
    ...(pair === undefined ? {} : { pair: pair.seat }),
  };
  try {
    return evidenceOf(await cell.request('run', order, Number.POSITIVE_INFINITY));
  } catch (error) {
    throw lost(error, name);
  } finally {
    abort?.removeEventListener('abort', stop);
    await cell.end();
  }
}

function evidenceOf(answer: CellAnswer): RunEvidence {
  if ('error' in answer) throw new ForeignError(answer.error);
  return fromPlain(answer.evidence);
}

function lost(error: unknown, name: string): unknown {
  if (!(error instanceof HalError) || error.code !== 'HAL_HOST_PROCESS') return error;
  return new RigError('RIG_CELL_LOST', `the cell of ${name} was lost: ${error.message}`, {
    where: name,
    hint: 'the trace of the run holds everything up to then; run it again, and report the last words if it happens twice',
  });
}
