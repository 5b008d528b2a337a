/** A transfer of the host that a replay holds, and what will come of it. */

import { URB_STATUS, type Urb } from '../../base/index.js';
import type { RecordedUrb } from '../trace/recorded-urbs.js';

export class Flight {
  urb: Urb | undefined;
  /** What was recorded in its place; undefined when it is settled without, or when its place has not been read yet. */
  recorded: RecordedUrb | undefined;
  /** How much later than recorded it goes on. */
  latenessNs = 0;
  /** Its end does not come from the recording but is known: `dueNs`, `status`, `actualLength`. */
  settled = false;
  dueNs = 0;
  status: number = URB_STATUS.ok;
  actualLength = 0;

  settle(dueNs: number, status: number, actualLength: number): void {
    this.settled = true;
    this.dueNs = dueNs;
    this.status = status;
    this.actualLength = actualLength;
  }
}

/** Statuses that only an action of the host brings about. */
export function isHostsDoing(status: number): boolean {
  return status === URB_STATUS.killed || status === URB_STATUS.unlinked;
}

/** Puts the recorded bytes into the host's buffer; answers how many. */
export function fillFrom(recorded: RecordedUrb, urb: Urb): number {
  if (!recorded.inbound) return Math.min(recorded.actualLength, urb.length);
  const count = Math.min(recorded.dataLength, urb.length);
  const { data } = urb;
  if (count > 64) data.set(recorded.data.subarray(0, count));
  else for (let i = 0; i < count; i++) data[i] = recorded.data[i];
  return count;
}
