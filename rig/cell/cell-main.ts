/** The program of a cell: owns the device of one guest, runs the guest's vCPU in a thread, and performs one run. */

import { type HardwareProfile, sendToParent, serveHost } from '../../hal/index.js';
import type { RunProgress, RunRequest } from '../run/run-types.js';
import { classify } from '../verdict/verdict.js';
import { cellDevices } from '../wiring/device-hosts.js';
import { openGuest } from '../wiring/open-guest.js';
import type { RunEvidence } from '../wiring/run-result.js';
import { performWallRun } from '../wiring/wall-run.js';
import type { CellAnswer, CellEvent, CellMessage, CellOrder, CellRequests, PairSeat } from './cell-protocol.js';
import { toPlain } from './evidence-codec.js';
import { openChannel } from './pair-memory.js';
import { placeCell, soleCellPlace } from './place-cell.js';

const abort = new AbortController();
let begin = (): void => {};
const begun = new Promise<void>((resolve) => {
  begin = resolve;
});

function tell(event: CellEvent): void {
  sendToParent(event);
}

async function run({ request, profile, pair }: CellOrder): Promise<CellAnswer> {
  const progress = (news: RunProgress): void => tell({ progress: news });
  const asked = { ...request, abort: abort.signal, progress };
  try {
    const evidence = pair === undefined ? await runAlone(asked, profile) : await runBesideAnother(asked, profile, pair);
    return { evidence: toPlain(evidence) };
  } catch (error) {
    return { error: classify(error).error };
  }
}

function runAlone(request: RunRequest, profile: HardwareProfile | undefined): Promise<RunEvidence> {
  const place = request.realTime === false ? {} : soleCellPlace();
  return performWallRun(request, openGuest(request.guest), profile, {
    hosts: cellDevices(),
    place: (machines) => placeCell(machines, place),
  });
}

async function runBesideAnother(
  request: RunRequest,
  profile: HardwareProfile | undefined,
  { side, folder, origin, place, schedule }: PairSeat,
): Promise<RunEvidence> {
  let news = (): void => {};
  const { channel, close } = openChannel(folder, side, () => news());
  try {
    return await performWallRun(request, openGuest(request.guest), profile, {
      hosts: cellDevices(),
      place: (machines) => placeCell(machines, place),
      origin,
      ...(schedule === undefined ? {} : { schedule }),
      pair: {
        side,
        channel,
        ready: (told) => {
          news = told;
          tell({ ready: true });
          return begun;
        },
      },
    });
  } finally {
    close();
  }
}

serveHost<CellRequests, CellMessage>({ run }, { hear: (message) => ('abort' in message ? abort.abort() : begin()) });
