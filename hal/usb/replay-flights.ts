/** The transfers of the host that a replay holds, what will come of them, and when. */

import { URB_STATUS, type Urb } from '../../base/index.js';
import type { RecordedUrb } from '../trace/recorded-urbs.js';
import { endpointIndex } from './descriptors.js';

const MOST_SPARE = 64;

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

/** All transfers in flight; adding, moving and removing one allocates nothing in the long run. */
export class Flights {
  readonly all: Flight[] = [];
  readonly #spare: Flight[] = [];
  /** Completion packet that comes first, by endpoint. */
  readonly #firstOf = new Float64Array(32);

  add(urb: Urb): Flight {
    const flight = this.#spare.pop() ?? new Flight();
    flight.urb = urb;
    flight.recorded = undefined;
    flight.settled = false;
    flight.latenessNs = 0;
    this.all.push(flight);
    return flight;
  }

  remove(flight: Flight): void {
    this.all.splice(this.all.indexOf(flight), 1);
    flight.urb = undefined;
    flight.recorded = undefined;
    if (this.#spare.length < MOST_SPARE) this.#spare.push(flight);
  }

  /** The host was late by `latenessNs` to tell the device `told`: what answered it is late by as much. */
  delay(told: RecordedUrb, latenessNs: number): void {
    for (const flight of this.all) {
      const { recorded } = flight;
      if (recorded === undefined || recorded.submitPacket >= told.submitPacket) continue;
      if (recorded.completePacket > told.submitPacket) flight.latenessNs = Math.max(flight.latenessNs, latenessNs);
    }
  }

  /** What was submitted behind `done` on its endpoint goes on from here. */
  holdUp(done: RecordedUrb, nowNs: number): void {
    for (const flight of this.all) {
      const { recorded } = flight;
      if (recorded === undefined || recorded === done || recorded.endpointAddress !== done.endpointAddress) continue;
      if (recorded.submitPacket > done.completePacket)
        flight.latenessNs = Math.max(flight.latenessNs, nowNs - recorded.submitNs);
    }
  }

  /**
   * The transfer that ends next, with `dueNs` set; undefined when none can end before the host does something. Completions
   * behind packet `gate` cannot.
   */
  earliest(gate: number): Flight | undefined {
    const firstOf = this.#firstOf.fill(Number.POSITIVE_INFINITY);
    for (const { recorded, settled } of this.all) {
      if (recorded === undefined || settled) continue;
      const at = queueOf(recorded);
      if (recorded.completePacket < firstOf[at]) firstOf[at] = recorded.completePacket;
    }
    let earliest: Flight | undefined;
    for (const flight of this.all) {
      const { recorded } = flight;
      if (!flight.settled) {
        if (recorded === undefined || !recorded.isComplete || recorded.completePacket > gate) continue;
        if (isHostsDoing(recorded.status) || firstOf[queueOf(recorded)] !== recorded.completePacket) continue;
        flight.dueNs = recorded.completeNs + flight.latenessNs;
      }
      if (earliest === undefined || comesBefore(flight, earliest)) earliest = flight;
    }
    return earliest;
  }
}

/** Control transfers of both directions wait in one queue. */
function queueOf({ endpointAddress }: RecordedUrb): number {
  return (endpointAddress & 0x0f) === 0 ? 0 : endpointIndex(endpointAddress);
}

function comesBefore(flight: Flight, other: Flight): boolean {
  if (flight.dueNs !== other.dueNs) return flight.dueNs < other.dueNs;
  return orderOf(flight) < orderOf(other);
}

function orderOf({ recorded, settled }: Flight): number {
  return settled ? -1 : (recorded?.completePacket ?? -1);
}
