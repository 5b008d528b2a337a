/** The program of a cell: owns the device of one guest, runs the guest's vCPU in a thread, and performs one run. */

import { sendToParent, serveHost } from '../../hal/index.js';
import { classify } from '../verdict/verdict.js';
import { cellDevices } from '../wiring/device-hosts.js';
import { openGuest } from '../wiring/open-guest.js';
import { type PlaceGuests, performWallRun } from '../wiring/wall-run.js';
import type { CellAnswer, CellEvent, CellMessage, CellOrder, CellRequests } from './cell-protocol.js';
import { toPlain } from './evidence-codec.js';
import { placeCell } from './place-cell.js';

const abort = new AbortController();

function collectGarbage(): void {
  (globalThis as { readonly gc?: () => void }).gc?.();
}

async function run({ request, profile }: CellOrder): Promise<CellAnswer> {
  const progress = (news: CellEvent['progress']): void => sendToParent({ progress: news } satisfies CellEvent);
  try {
    const guest = openGuest(request.guest);
    const whole = { ...request, abort: abort.signal, progress };
    const place: PlaceGuests = (machines) => {
      collectGarbage();
      return request.realTime === false ? [] : placeCell(machines);
    };
    return { evidence: toPlain(await performWallRun(whole, guest, profile, { hosts: cellDevices(), place })) };
  } catch (error) {
    return { error: classify(error).error };
  }
}

serveHost<CellRequests, CellMessage>({ run }, { hear: () => abort.abort() });
